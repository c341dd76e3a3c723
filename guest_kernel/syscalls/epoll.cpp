// epoll_create, epoll_ctl, epoll_wait and their later forms.
#include "guest_kernel/fs/epoll.hpp"

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/deadline.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

SyscallResult sys_epoll_create1(int flags) {
    constexpr int kLimitFiles = 7;  // RLIMIT_NOFILE
    if (static_cast<u32>(flags) & ~fs::kOCloseOnExec) return fail(Errno::kEINVAL);
    sched::Process& process = sched::current_process();
    return TRY(process.fds().install(TRY(fs::make_epoll()), flags != 0, process.limit(kLimitFiles)));
}

// The size was a hint once; it only has to be positive.
SyscallResult sys_epoll_create(int size) { return size <= 0 ? fail(Errno::kEINVAL) : sys_epoll_create1(0); }

SyscallResult sys_epoll_ctl(int epfd, int op, int fd, In<EpollEvent> event) {
    fs::FdTable& table = sched::current_process().fds();
    EpollEvent wanted{};
    if (op != fs::kEpollDelete) wanted = TRY(mm::read(event));
    Ref<fs::File> epoll = TRY(table.get(epfd)), file = TRY(table.get(fd));
    TRY(fs::control_epoll(*epoll, op, fd, file, wanted));
    return 0;
}

namespace {

SyscallResult wait(int epfd, Out<EpollEvent> events, int maxevents, u64 deadline, In<SigSet> sigmask,
                   usize sigsetsize) {
    Ref<fs::File> epoll = TRY(sched::current_process().fds().get(epfd));
    if (!sigmask.is_null()) {
        if (sigsetsize != sizeof(SigSet)) return fail(Errno::kEINVAL);
        sched::set_temporary_mask(TRY(mm::read(sigmask)));
    }
    return TRY(fs::wait_epoll(*epoll, events, maxevents, deadline));
}

}  // namespace

SyscallResult sys_epoll_pwait(int epfd, Out<EpollEvent> events, int maxevents, int timeout_ms,
                              In<SigSet> sigmask, usize sigsetsize) {
    return wait(epfd, events, maxevents, deadline_in_ms(timeout_ms), sigmask, sigsetsize);
}

SyscallResult sys_epoll_pwait2(int epfd, Out<EpollEvent> events, int maxevents, In<TimeSpec> timeout,
                               In<SigSet> sigmask, usize sigsetsize) {
    u64 deadline = timeout.is_null() ? sched::kForever : TRY(deadline_in(TRY(mm::read(timeout))));
    return wait(epfd, events, maxevents, deadline, sigmask, sigsetsize);
}

SyscallResult sys_epoll_wait(int epfd, Out<EpollEvent> events, int maxevents, int timeout_ms) {
    return sys_epoll_pwait(epfd, events, maxevents, timeout_ms, {}, 0);
}

}  // namespace astra::syscalls
