// signalfd(2).
#include "guest_kernel/sched/signalfd.hpp"

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

SyscallResult sys_signalfd4(int fd, In<SigSet> mask, usize sigsetsize, int flags) {
    if (sigsetsize != sizeof(SigSet)) return fail(Errno::kEINVAL);
    SigSet wanted = TRY(mm::read(mask));
    auto bits = static_cast<u32>(flags);
    if (bits & ~(fs::kOCloseOnExec | fs::kONonblock)) return fail(Errno::kEINVAL);
    sched::Process& process = sched::current_process();
    if (fd == -1)
        return TRY(process.fds().install(TRY(sched::make_signalfd(wanted, bits)), bits & fs::kOCloseOnExec,
                                         process.limit(sched::kLimitFiles)));
    TRY(sched::set_signalfd_mask(*TRY(process.fds().get(fd)), wanted));
    return fd;
}

SyscallResult sys_signalfd(int fd, In<SigSet> mask, usize sigsetsize) {
    return sys_signalfd4(fd, mask, sigsetsize, 0);
}

}  // namespace astra::syscalls
