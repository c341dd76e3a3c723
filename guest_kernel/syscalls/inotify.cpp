// inotify_init, inotify_add_watch, inotify_rm_watch.
#include "guest_kernel/fs/inotify.hpp"

#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

namespace {

/// The inotify instance behind `fd`. Errors: EBADF, EINVAL.
Result<Ref<fs::File>> instance(int fd) {
    Ref<fs::File> file = TRY(sched::current_process().fds().get(fd));
    return file->kind() == fs::FileKind::Inotify ? Result<Ref<fs::File>>(std::move(file))
                                                 : fail(Errno::kEINVAL);
}

}  // namespace

SyscallResult sys_inotify_init1(int flags) {
    constexpr int kLimitFiles = 7;  // RLIMIT_NOFILE
    u32 bits = static_cast<u32>(flags);
    if (bits & ~u32(fs::kOCloseOnExec | fs::kONonblock)) return fail(Errno::kEINVAL);
    sched::Process& process = sched::current_process();
    return TRY(process.fds().install(TRY(fs::make_inotify(bits & fs::kONonblock)), bits & fs::kOCloseOnExec,
                                     process.limit(kLimitFiles)));
}

SyscallResult sys_inotify_init() { return sys_inotify_init1(0); }

SyscallResult sys_inotify_add_watch(int fd, UserString path, u32 mask) {
    if (!(mask & fs::kWatchAll)) return fail(Errno::kEINVAL);
    if ((mask & fs::kWatchMaskAdd) && (mask & fs::kWatchMaskCreate)) return fail(Errno::kEINVAL);
    Ref<fs::File> file = TRY(instance(fd));
    u32 walk = (mask & fs::kWatchNoFollow ? 0 : u32{fs::kFollow}) |
               (mask & fs::kWatchOnlyDirectory ? u32{fs::kDirectory} : 0);
    fs::Path place = TRY(find_path(fs::kAtCwd, path, walk));
    TRY(fs::check_access(*place.dentry->inode, fs::kRead, sched::current_process().credentials()));
    return TRY(fs::add_watch(*file, place, mask));
}

SyscallResult sys_inotify_rm_watch(int fd, int descriptor) {
    TRY(fs::remove_watch(*TRY(instance(fd)), descriptor));
    return 0;
}

}  // namespace astra::syscalls
