// Names: mkdir, mknod, link, symlink, readlink, unlink, rmdir, rename and their *at forms.
#include "guest_kernel/fs/names.hpp"
#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

namespace {

SyscallResult make_directory(int dirfd, UserString path, u32 mode) {
    PathArgument where = TRY(read_path(dirfd, path));
    TRY(fs::make_directory(where.base, where.text, mode));
    return 0;
}

SyscallResult make_node(int dirfd, UserString path, u32 mode, u64 device) {
    PathArgument where = TRY(read_path(dirfd, path));
    TRY(fs::make_node(where.base, where.text, mode, device));
    return 0;
}

SyscallResult link(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path, u32 flags) {
    if (flags & ~u32(fs::kAtSymlinkFollow | fs::kAtEmptyPath)) return fail(Errno::kEINVAL);
    u32 how = (flags & fs::kAtEmptyPath) | (flags & fs::kAtSymlinkFollow ? 0 : u32{fs::kAtSymlinkNoFollow});
    // Naming a bare descriptor takes a privilege (CAP_DAC_READ_SEARCH).
    if ((flags & fs::kAtEmptyPath) && !sched::current_process().credentials().is_root())
        return fail(Errno::kENOENT);
    Object object = TRY(find_object(old_dirfd, old_path, how));
    PathArgument where = TRY(read_path(new_dirfd, new_path));
    TRY(fs::link(TRY(object.place()), where.base, where.text));
    return 0;
}

SyscallResult make_symlink(UserString target, int dirfd, UserString path) {
    String text = TRY(mm::read_path(target));
    PathArgument where = TRY(read_path(dirfd, path));
    TRY(fs::make_symlink(where.base, where.text, text));
    return 0;
}

SyscallResult read_link(int dirfd, UserString path, Out<u8> to, int size) {
    if (size <= 0) return fail(Errno::kEINVAL);
    // An empty path means the link dirfd was opened on (O_PATH | O_NOFOLLOW).
    Object object = TRY(find_object(dirfd, path, fs::kAtSymlinkNoFollow | fs::kAtEmptyPath));
    if (!object.path) return fail(Errno::kENOENT);
    if (!object.path.dentry->inode->is_symlink())
        return fail(TRY(mm::read(In<char>(path.address()))) ? Errno::kEINVAL : Errno::kENOENT);
    String text = TRY(object.path.dentry->inode->read_link());
    usize length = text.size() < static_cast<usize>(size) ? text.size() : static_cast<usize>(size);
    TRY(mm::copy_out(to.address(), {reinterpret_cast<const u8*>(text.data()), length}));
    return static_cast<i64>(length);
}

SyscallResult remove(int dirfd, UserString path, u32 flags) {
    if (flags & ~u32(fs::kAtRemoveDirectory)) return fail(Errno::kEINVAL);
    PathArgument where = TRY(read_path(dirfd, path));
    TRY((flags & fs::kAtRemoveDirectory ? fs::remove_directory : fs::unlink)(where.base, where.text));
    return 0;
}

SyscallResult rename(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path, u32 flags) {
    PathArgument from = TRY(read_path(old_dirfd, old_path)), to = TRY(read_path(new_dirfd, new_path));
    TRY(fs::rename(from.base, from.text, to.base, to.text, flags));
    return 0;
}

}  // namespace

SyscallResult sys_mkdir(UserString path, u32 mode) { return make_directory(fs::kAtCwd, path, mode); }
SyscallResult sys_mkdirat(int dirfd, UserString path, u32 mode) { return make_directory(dirfd, path, mode); }
SyscallResult sys_mknod(UserString path, u32 mode, u64 device) {
    return make_node(fs::kAtCwd, path, mode, device);
}
SyscallResult sys_mknodat(int dirfd, UserString path, u32 mode, u64 device) {
    return make_node(dirfd, path, mode, device);
}
SyscallResult sys_link(UserString old_path, UserString new_path) {
    return link(fs::kAtCwd, old_path, fs::kAtCwd, new_path, 0);
}
SyscallResult sys_linkat(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path, int flags) {
    return link(old_dirfd, old_path, new_dirfd, new_path, static_cast<u32>(flags));
}
SyscallResult sys_symlink(UserString target, UserString path) {
    return make_symlink(target, fs::kAtCwd, path);
}
SyscallResult sys_symlinkat(UserString target, int dirfd, UserString path) {
    return make_symlink(target, dirfd, path);
}
SyscallResult sys_readlink(UserString path, Out<u8> to, int size) {
    return read_link(fs::kAtCwd, path, to, size);
}
SyscallResult sys_readlinkat(int dirfd, UserString path, Out<u8> to, int size) {
    return read_link(dirfd, path, to, size);
}
SyscallResult sys_unlink(UserString path) { return remove(fs::kAtCwd, path, 0); }
SyscallResult sys_rmdir(UserString path) { return remove(fs::kAtCwd, path, fs::kAtRemoveDirectory); }
SyscallResult sys_unlinkat(int dirfd, UserString path, int flags) {
    return remove(dirfd, path, static_cast<u32>(flags));
}
SyscallResult sys_rename(UserString old_path, UserString new_path) {
    return rename(fs::kAtCwd, old_path, fs::kAtCwd, new_path, 0);
}
SyscallResult sys_renameat(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path) {
    return rename(old_dirfd, old_path, new_dirfd, new_path, 0);
}
SyscallResult sys_renameat2(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path,
                            u32 flags) {
    return rename(old_dirfd, old_path, new_dirfd, new_path, flags);
}

}  // namespace astra::syscalls
