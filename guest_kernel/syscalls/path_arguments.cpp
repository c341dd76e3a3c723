// What calls that name files share.
#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

Result<PathArgument> read_path(int dirfd, UserString path) {
    String text = TRY(mm::read_path(path));
    // "" is ENOENT whatever dirfd is, except to calls that take AT_EMPTY_PATH, which look first.
    fs::Path base = TRY(fs::at(text.empty() ? fs::kAtCwd : dirfd, text));
    return PathArgument{std::move(text), std::move(base)};
}

Result<fs::Path> find_path(int dirfd, UserString path, u32 walk) {
    PathArgument argument = TRY(read_path(dirfd, path));
    return fs::resolve(argument.base, argument.text, walk);
}

Result<void> Object::stat(Stat& out) const { return path ? path.dentry->inode->stat(out) : file->stat(out); }

Result<fs::Path> Object::place() const {
    if (!path) return fail(Errno::kEINVAL);
    return path;
}

Result<Object> find_object(int fd) {
    Object object;
    object.file = TRY(sched::current_process().fds().get(fd, true));
    if (const fs::Path* place = object.file->path()) object.path = *place;
    return object;
}

Result<Object> find_object(int dirfd, UserString path, u32 flags) {
    PathArgument argument = TRY(read_path(dirfd, path));
    if (argument.text.empty() && (flags & fs::kAtEmptyPath)) {
        if (dirfd == fs::kAtCwd) return Object{nullptr, std::move(argument.base)};
        return find_object(dirfd);
    }
    u32 walk = flags & fs::kAtSymlinkNoFollow ? 0 : u32{fs::kFollow};
    fs::Path found = TRY(fs::resolve(argument.base, argument.text, walk));
    return Object{nullptr, std::move(found)};
}

}  // namespace astra::syscalls
