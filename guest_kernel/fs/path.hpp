// Places in the tree: names (dentries), the file systems they belong to, and where those are mounted.
#pragma once
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/fs/inode.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::fs {

/// A mountable file system instance (a super block).
class FileSystem : public RefCounted {
  public:
    FileSystem();
    /// Its name in mount(2) and /proc/filesystems.
    [[nodiscard]] virtual std::string_view type() const = 0;
    [[nodiscard]] virtual Ref<Inode> root_inode() = 0;
    virtual Result<void> statfs(abi::StatFs& out) = 0;
    /// Options for /proc/mounts after "rw,relatime", with leading commas; "" when none.
    virtual Result<String> options() { return String(); }
    /// st_dev of everything in it.
    [[nodiscard]] u64 device() const { return device_; }

  private:
    u64 device_;
};

/// One name in the tree. Its inode never changes; parent and name do on rename.
class Dentry final : public RefCounted {
  public:
    Dentry(Ref<Inode> of, FileSystem* in) : inode(std::move(of)), fs(in) {}

    const Ref<Inode> inode;
    FileSystem* const fs;
    std::atomic<u32> mounts{0};           // mounts attached here
    std::atomic<bool> deleted{false};     // the name was removed
    std::atomic<bool> referenced{false};  // found since eviction last looked

  protected:
    void destroy() override;

  private:
    friend class DentryCache;
    // Guarded by the cache's lock, written with names() held as well.
    Ref<Dentry> parent_;  // null at a file system's root
    String name_;
    Dentry* hash_next_ = nullptr;
    ListNode eviction_node_;
};

/// A file system attached at a place.
class Mount : public RefCounted {
  public:
    Mount(Ref<FileSystem> what, Ref<Dentry> top) : fs(std::move(what)), root(std::move(top)) {}
    ~Mount() override;

    const Ref<FileSystem> fs;
    const Ref<Dentry> root;
    u32 id = 0;
    String source;
    std::atomic<u64> flags{0};  // MountFlags
    [[nodiscard]] bool read_only() const { return flags & 1; }

    // Set once when attached (mount.cpp); null at the root of all.
    Ref<Mount> parent;
    Ref<Dentry> mountpoint;
    ListNode table_node;
};

/// A place in the tree: a name on a mount. Both null: nowhere. Mount alone null: an object outside every
/// tree, reached through one of /proc's links.
struct Path {
    Ref<Mount> mount;
    Ref<Dentry> dentry;
    explicit operator bool() const { return static_cast<bool>(dentry); }
    [[nodiscard]] Ref<Inode> inode() const { return dentry ? dentry->inode : Ref<Inode>(); }
    [[nodiscard]] bool read_only() const { return mount && mount->read_only(); }
    friend bool operator==(const Path& a, const Path& b) {
        return a.mount == b.mount && a.dentry == b.dentry;
    }
};

}  // namespace astra::fs
