// The inodes of tmpfs.
//
// A volume may start as a read-only image. Its inodes become nodes when something looks at them, and lose
// what they have in common with the image piece by piece: attributes, single pages of a file, single names of
// a directory. A node that differs from its image is pinned: it stays until its last name goes. So a name, a
// hard link or an open file sees the same object before and after a change, directories of the image move
// like any other, and inode numbers never change.
#pragma once
#include "guest_kernel/fs/inode.hpp"
#include "guest_kernel/fs/tmpfs/volume.hpp"

namespace astra::fs::tmpfs {

class Node : public Inode {
  public:
    struct Start {
        u32 mode, uid, gid, links;
        abi::TimeSpec mtime;
        u32 lower = kNoLower;
    };
    Node(Ref<Volume> volume, const Start& start);
    ~Node() override;

    [[nodiscard]] Ownership ownership() override;
    Result<void> stat(abi::Stat& out) override;
    Result<void> set_attributes(const Attributes& changes) override;

    [[nodiscard]] bool changed() override;
    Result<Xattrs*> xattrs(bool make) override;

    /// Made without a name (O_TMPFILE), so link(2) may give it one. Under names().
    bool unnamed = false;
    [[nodiscard]] u64 number() const { return number_; }
    [[nodiscard]] u32 links();
    void add_link();
    /// At the last one the node is free to go.
    void drop_link();
    /// A directory that was removed: nothing counts any more.
    void drop_all_links();
    /// Contents or names changed: mtime and ctime.
    void modified();
    /// Something was read: atime, as `relatime` has it; the image's own times stay.
    void accessed();
    /// The node now differs from the image.
    void pin();
    void unpin();

  protected:
    [[nodiscard]] virtual u64 size() { return 0; }
    [[nodiscard]] virtual u64 blocks() { return 0; }  // of 512 bytes
    [[nodiscard]] virtual u64 rdev() { return 0; }
    virtual Result<void> resize(u64) { return fail(Errno::kEINVAL); }
    void destroy() override;
    /// Leaves the volume's table of nodes in use; part of every destroy().
    void leave();
    [[nodiscard]] const Ref<Volume>& volume() const { return volume_; }
    [[nodiscard]] const tar::Image& image() const { return *volume_->lower; }
    [[nodiscard]] u32 lower() const { return lower_; }
    /// The image's record; only when lower() is one.
    [[nodiscard]] const abi::image::Inode& lower_record() const { return *image().inode(lower_); }

  private:
    struct Metadata {
        u32 permissions, uid, gid, links;
        abi::TimeSpec atime, mtime, ctime;
        bool pinned;
    };
    const Ref<Volume> volume_;
    const u32 lower_;
    const u64 number_;
    sched::SpinLocked<Metadata, sched::Rank::Attributes> metadata_;
    std::atomic<Xattrs*> xattrs_{nullptr};  // own; most files have none
};

class Symlink final : public Node {
  public:
    Symlink(Ref<Volume> volume, const Start& start, String target)
        : Node(std::move(volume), start), target_(std::move(target)) {}
    Result<String> read_link() override { return String::from(text()); }

  protected:
    [[nodiscard]] u64 size() override { return text().size(); }

  private:
    [[nodiscard]] std::string_view text() const {
        return lower() == kNoLower ? target_.view() : image().target(lower_record());
    }
    const String target_;
};

/// Devices, fifos and sockets.
class Special final : public Node {
  public:
    Special(Ref<Volume> volume, const Start& start, u64 rdev) : Node(std::move(volume), start), rdev_(rdev) {}

  protected:
    [[nodiscard]] u64 rdev() override { return rdev_; }

  private:
    const u64 rdev_;
};

/// A fresh node of the kind `what.mode` says, with one link (directories: two).
Result<Ref<Node>> make_node(Ref<Volume> volume, const NewInode& what, std::string_view symlink_target = {});
/// The node of an inode of the volume's image. Errors: EIO when it is damaged.
Result<Ref<Node>> make_lower_node(Ref<Volume> volume, u32 number);

}  // namespace astra::fs::tmpfs
