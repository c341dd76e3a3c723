// The virtual file system: inodes, names, mounts and path walks.
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/fs/file.hpp"

namespace astra::sched {
struct Credentials;
}

namespace astra::fs {

struct Path;

struct Attributes {  // what chmod, chown, utimensat and truncate change
    enum Which : u32 { kMode = 1, kUid = 2, kGid = 4, kSize = 8, kAtime = 16, kMtime = 32, kCtime = 64 };
    u32 which = 0, mode = 0, uid = 0, gid = 0;
    u64 size = 0;
    abi::TimeSpec atime{}, mtime{};
};

/// A file system object. Directory operations are called with the tree's rename lock or the directory's own
/// mutex as vfs.cpp documents; permission checks were made by the caller.
class Inode : public RefCounted {
  public:
    [[nodiscard]] virtual u32 mode() = 0;  // type and permissions
    virtual Result<void> stat(abi::Stat& out) = 0;
    virtual Result<void> set_attributes(const Attributes& changes) = 0;
    // Directories.
    virtual Result<Ref<Inode>> lookup(std::string_view name);  // ENOENT, ENOTDIR
    virtual Result<Ref<Inode>> create(std::string_view name, u32 mode, u32 uid, u32 gid,
                                      u64 rdev);  // any type but link/dir
    virtual Result<Ref<Inode>> make_directory(std::string_view name, u32 mode, u32 uid, u32 gid);
    virtual Result<Ref<Inode>> make_symlink(std::string_view name, std::string_view target, u32 uid, u32 gid);
    virtual Result<void> link(std::string_view name, Inode& existing);
    virtual Result<void> unlink(std::string_view name);
    virtual Result<void> remove_directory(std::string_view name);
    virtual Result<void> rename(std::string_view name, Inode& new_parent, std::string_view new_name,
                                u32 flags);
    // Links.
    virtual Result<String> read_link();
    /// /proc's magic links go straight to an object; null: read_link's text is walked.
    virtual Result<Path> follow_magic();
    // Everything that can be opened.
    virtual Result<Ref<File>> open(const Path& path, u32 flags);
};

/// One name in the tree; the file system's owner adds the cache links.
class Dentry : public RefCounted {
  public:
    Ref<Inode> inode;
    Ref<Dentry> parent;  // null at a file system's root
    String name;
};
/// A file system attached at a place.
class Mount : public RefCounted {
  public:
    Ref<Mount> parent;
    Ref<Dentry> mountpoint, root;
    String source, type;
    u64 flags = 0;
};

/// A place in the tree: a name (dentry) on a mount. Both null: nowhere.
struct Path {
    Ref<Mount> mount;
    Ref<Dentry> dentry;
    explicit operator bool() const { return static_cast<bool>(dentry); }
    [[nodiscard]] Ref<Inode> inode() const;
};

/// The rootfs: tarfs over `image` with a writable tmpfs layer, /dev, /proc and /tmp mounted where they exist
/// (or made). `image` empty: an empty writable root.
Result<void> mount_root(std::span<const u8> image);
/// The path of "/" once mounted.
Path root();

/// How a walk treats the last component and where it may go.
enum Walk : u32 {
    kFollow = 1,
    kDirectory = 2,
    kNoSymlinks = 4,
    kBeneath = 8,
    kInRoot = 16,
    kNoMagic = 32,
    kNoCross = 64
};
/// Resolves `path` from `base` for the current process (its root, its credentials). Errors as
/// path_resolution(7).
Result<Path> resolve(const Path& base, std::string_view path, u32 walk);
/// The base of an *at call: AT_FDCWD or a descriptor; absolute paths ignore it.
Result<Path> at(int dirfd, std::string_view path);
/// openat(2) without a descriptor: creates, truncates and checks as `flags` say.
Result<Ref<File>> open(const Path& base, std::string_view path, u32 flags, u32 mode, u32 walk = 0);
/// May `credentials` read (4), write (2), execute/search (1) `inode`? Errors: EACCES.
Result<void> check_access(Inode& inode, u32 wanted, const sched::Credentials& credentials);
/// Absolute path as seen from the current process's root; "(unreachable)…" as Linux when outside.
Result<String> path_name(const Path& path);

}  // namespace astra::fs
