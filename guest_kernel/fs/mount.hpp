// Mounts: which file system is attached where, and the types that can be.
#pragma once
#include "guest_kernel/fs/vfs.hpp"

namespace astra::fs {

/// A kind of file system mount(2) can make.
struct FileSystemType {
    std::string_view name;
    bool needs_device;  // listed without "nodev" in /proc/filesystems
    /// `options`: mount(2)'s data. Errors: EINVAL for options it does not know.
    Result<Ref<FileSystem>> (*create)(std::string_view options);
};
std::span<const FileSystemType> file_system_types();

/// The mount on top of `place`, or null.
Ref<Mount> mounted_on(const Path& place);
/// Attaches the dentry `root` of `fs` at `place` (an empty path: as the root of all).
Result<Ref<Mount>> attach(Ref<FileSystem> fs, Ref<Dentry> root, const Path& place, std::string_view source,
                          u64 flags);
/// A dentry for the top of a file system that is not mounted yet.
Result<Ref<Dentry>> make_root_dentry(FileSystem& fs);

/// mount(2) after its arguments were read: a new file system, MS_BIND, MS_REMOUNT, MS_MOVE.
Result<void> mount(std::string_view source, const Path& target, std::string_view type, u64 flags,
                   std::string_view options);
/// umount2(2). Errors: EINVAL when `target` is not the top of a mount, EBUSY when in use.
Result<void> unmount(Path target, u32 flags);
/// pivot_root(2): the mount whose top is `new_root` becomes the root of everyone who has the caller's as
/// theirs; that one moves to `put_old`. Errors: EPERM, EINVAL, EBUSY, ENOENT.
Result<void> pivot_root(const Path& new_root, const Path& put_old);

/// Mounts in the order they were made, as /proc/mounts and mountinfo list them.
Result<void> list_mounts(Vector<Ref<Mount>>& mounts);

}  // namespace astra::fs
