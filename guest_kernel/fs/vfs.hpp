// The virtual file system: path walks, opening, permissions, and changes to the tree of names.
#pragma once
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/path.hpp"

namespace astra::sched {
struct Credentials;
}

namespace astra::fs {

/// Held while names are looked up in, added to or removed from any directory, and while mounts change.
/// Nothing slow happens under it: every file system's names are in memory.
struct Names {};
sched::MutexLocked<Names, sched::Rank::DirectoryTree>& names();

/// The rootfs: `image` (a TAR, lying in the direct map for ever; empty: nothing) under a writable layer in
/// memory, with /dev, /dev/shm, /proc and /sys mounted and /tmp made. Called once.
Result<void> mount_root(std::span<const u8> image);
/// Writes a file of the kernel's making into a directory below "/" that the image has, unless it has the file
/// too, with something in it. Errors: ENOSPC, ENOMEM.
Result<void> provide_file(std::string_view directory, std::string_view name, std::string_view text);
/// The path of "/" once mounted.
Path root();
/// pivot_root(2) gave the kernel another.
void set_root(const Path& path);

/// How a walk treats the last component and where it may go (openat2(2) RESOLVE_*).
enum Walk : u32 {
    kFollow = 1,     // a symbolic link in the last place is followed
    kDirectory = 2,  // the result must be a directory
    kNoSymlinks = 4,
    kBeneath = 8,
    kInRoot = 16,
    kNoMagic = 32,
    kNoCross = 64
};
/// Resolves `path` from `base` for the current process (its root, its credentials). Errors as
/// path_resolution(7).
Result<Path> resolve(const Path& base, std::string_view path, u32 walk);
/// The base of an *at call: AT_FDCWD or a descriptor; absolute paths ignore it. Errors: EBADF, ENOTDIR.
Result<Path> at(int dirfd, std::string_view path);
/// openat(2) without a descriptor: creates, truncates and checks as `flags` say.
Result<Ref<File>> open(const Path& base, std::string_view path, u32 flags, u32 mode, u32 walk = 0);
/// Opens an object already found: checks permissions, truncates.
Result<Ref<File>> open_path(const Path& path, u32 flags);

/// What check_access can ask for.
enum Access : u32 { kExecute = 1, kWrite = 2, kRead = 4 };
/// May `credentials` read (4), write (2), execute/search (1) `inode`? Errors: EACCES.
Result<void> check_access(Inode& inode, u32 wanted, const sched::Credentials& credentials);
/// chmod(2), chown(2), utimensat(2) and truncate(2) on an object already found, by the current process: who
/// may do what, set-id bits dropped, EROFS. An id of ~0u stays as it is; a missing time stays, kTimeNow is
/// now.
Result<void> change_mode(const Path& path, u32 mode);
Result<void> change_owner(const Path& path, u32 uid, u32 gid);
inline constexpr i64 kTimeNow = (1 << 30) - 1, kTimeOmit = (1 << 30) - 2;  // in nsec: UTIME_NOW, UTIME_OMIT
Result<void> change_times(const Path& path, const abi::TimeSpec& atime, const abi::TimeSpec& mtime);
Result<void> change_size(const Path& path, i64 size);
/// The set-id bits go when someone other than root changes the contents.
Result<void> drop_set_ids(Inode& inode);

/// Absolute path as seen from the current process's root, " (deleted)" after it when the name is gone.
Result<String> path_name(const Path& path);
struct PathName {
    String text;
    bool reachable, deleted;
};
/// The same from `top`, facts apart: `reachable` is false when `path` lies outside `top`.
Result<PathName> path_name(const Path& path, const Path& top);

}  // namespace astra::fs
