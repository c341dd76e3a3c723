// What calls that name files share: reading the path, and finding the object an *at call means.
#pragma once
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

/// A path of the program and the place it starts from.
struct PathArgument {
    String text;
    fs::Path base;
};
/// Errors: EFAULT, ENAMETOOLONG, EBADF, ENOTDIR. An empty path is not refused here.
Result<PathArgument> read_path(int dirfd, UserString path);
/// Reads and resolves. `walk`: fs::Walk bits.
Result<fs::Path> find_path(int dirfd, UserString path, u32 walk);

/// What a call acts on: an open file (AT_EMPTY_PATH, f*), or a place. A file may have no place.
struct Object {
    Ref<fs::File> file;
    fs::Path path;
    Result<void> stat(Stat& out) const;
    /// The place; EINVAL for files without one (pipes, sockets, …).
    Result<fs::Path> place() const;
};
/// `flags`: AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH count.
Result<Object> find_object(int dirfd, UserString path, u32 flags);
/// Any descriptor, O_PATH ones too.
Result<Object> find_object(int fd);

}  // namespace astra::syscalls
