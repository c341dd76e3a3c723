// Inodes: what names stand for, in any file system.
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/fs/file.hpp"

namespace astra::fs {

struct Path;
class Xattrs;

/// st_mode's type field and special bits (inode(7)).
inline constexpr u32 kTypeMask = 0170000, kTypeSocket = 0140000, kTypeSymlink = 0120000,
                     kTypeRegular = 0100000, kTypeBlockDevice = 0060000, kTypeDirectory = 0040000,
                     kTypeCharDevice = 0020000, kTypeFifo = 0010000;
inline constexpr u32 kModeBits = 07777, kSetUid = 04000, kSetGid = 02000, kSticky = 01000;
inline constexpr usize kNameMax = 255;
inline constexpr usize kPathMax = 4096;  // terminator included

/// What chmod, chown, utimensat and truncate change.
struct Attributes {
    enum Which : u32 { kMode = 1, kUid = 2, kGid = 4, kSize = 8, kAtime = 16, kMtime = 32, kCtime = 64 };
    u32 which = 0, mode = 0, uid = 0, gid = 0;
    u64 size = 0;
    abi::TimeSpec atime{}, mtime{};
};
/// What access checks look at.
struct Ownership {
    u32 mode, uid, gid;
};
/// How a new object starts: type and permissions (umask applied), owner, device number.
struct NewInode {
    u32 mode, uid, gid;
    u64 rdev = 0;
};

/// The wall clock, as file times.
abi::TimeSpec current_time();

/// A device number as stat(2) reports it (and mknod takes it).
constexpr u64 make_device(u32 major, u32 minor) {
    return (minor & 0xff) | (u64{major & 0xfff} << 8) | (u64{minor & ~0xffu} << 12) |
           (u64{major & ~0xfffu} << 32);
}
constexpr u32 device_major(u64 device) { return ((device >> 8) & 0xfff) | (u32(device >> 32) & ~0xfffu); }
constexpr u32 device_minor(u64 device) { return (device & 0xff) | (u32(device >> 12) & ~0xffu); }

/// A file system object. Directory operations run with names() (vfs.hpp) held, except where
/// dynamic_names(); permission checks were made by the caller. What a file system does not support is EPERM.
class Inode : public RefCounted {
  public:
    explicit Inode(u32 type) : type_(type & kTypeMask) {}

    /// kTypeRegular, kTypeDirectory, …: never changes.
    [[nodiscard]] u32 type() const { return type_; }
    [[nodiscard]] bool is_directory() const { return type_ == kTypeDirectory; }
    [[nodiscard]] bool is_symlink() const { return type_ == kTypeSymlink; }
    [[nodiscard]] bool is_regular() const { return type_ == kTypeRegular; }

    [[nodiscard]] virtual Ownership ownership() = 0;
    /// Type and permissions.
    [[nodiscard]] u32 mode() { return ownership().mode; }
    virtual Result<void> stat(abi::Stat& out) = 0;
    /// Errors: EPERM; EINVAL, EFBIG, ENOSPC for sizes.
    virtual Result<void> set_attributes(const Attributes& changes);

    /// Whether it is other than in the image that the root file system started from: made, or changed since.
    [[nodiscard]] virtual bool changed() { return false; }

    // Directories.
    /// Names appear and vanish by themselves (/proc): lookups are not cached, names() is not held, and
    /// nothing can be created.
    [[nodiscard]] virtual bool dynamic_names() const { return false; }
    virtual Result<Ref<Inode>> lookup(std::string_view name);  // ENOENT, ENOTDIR
    /// Any type but directories and links.
    virtual Result<Ref<Inode>> create(std::string_view name, const NewInode& what);
    /// O_TMPFILE: a regular file with no name yet.
    virtual Result<Ref<Inode>> create_unnamed(const NewInode& what);  // ENOTSUP
    virtual Result<Ref<Inode>> make_directory(std::string_view name, const NewInode& what);
    virtual Result<Ref<Inode>> make_symlink(std::string_view name, std::string_view target,
                                            const NewInode& what);
    virtual Result<void> link(std::string_view name, Inode& existing);
    virtual Result<void> unlink(std::string_view name);
    virtual Result<void> remove_directory(std::string_view name);  // ENOTEMPTY
    /// The caller has checked types, loops and the RenameFlags' conditions; a target of the same kind is
    /// replaced. Errors: ENOTEMPTY.
    virtual Result<void> rename(std::string_view name, Inode& new_parent, std::string_view new_name,
                                u32 flags);
    /// Hands entries from `cursor` (0: the first) on to `sink`, without "." and ".."; moves `cursor` past the
    /// last one taken. A cursor stays good while entries come and go.
    virtual Result<void> list(u64& cursor, DirectorySink& sink);

    // Links.
    virtual Result<String> read_link();  // EINVAL
    /// /proc's magic links go straight to an object; null: read_link's text is walked.
    virtual Result<Path> follow_magic();

    /// The extended attributes; null when there are none and `make` is false. Errors: EOPNOTSUPP, ENOMEM.
    virtual Result<Xattrs*> xattrs(bool make);
    /// /proc/PID: that process's id; 0 for everything else.
    [[nodiscard]] virtual int process_id() const { return 0; }

    /// Opens what the inode is: directories, devices and fifos by default.
    virtual Result<Ref<File>> open(const Path& path, u32 flags);

    /// Who writes and who executes keep each other out (execve(2), ETXTBSY). Many may hold the same claim;
    /// false while someone holds the other. Each that was granted ends with unclaim().
    enum class Claim : u8 { Write, Execute };
    [[nodiscard]] bool claim(Claim how);
    void unclaim(Claim how) { claims_ -= step(how); }

  private:
    static constexpr int step(Claim how) { return how == Claim::Write ? 1 : -1; }
    const u32 type_;
    std::atomic<int> claims_{0};  // writers, or minus those who execute
};

}  // namespace astra::fs
