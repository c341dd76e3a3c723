// Locked memory: mlock(2), mlock2(2), munlock(2), mlockall(2), munlockall(2).
#include "guest_kernel/syscalls/locked_memory.hpp"

#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

constexpr int kOnFault = 1;                                      // MLOCK_ONFAULT
constexpr int kAllCurrent = 1, kAllFuture = 2, kAllOnFault = 4;  // MCL_*

mm::AddressSpace& space() { return sched::current_process().space(); }

SyscallResult lock(u64 addr, usize length, bool bring_in) {
    u64 most = lock_limit();
    if (most == 0) return fail(Errno::kEPERM);
    TRY(space().lock(UserAddr(addr), length, bring_in, most));
    return 0;
}

}  // namespace

u64 lock_limit() {
    sched::Process& process = sched::current_process();
    if (process.credentials().can(sched::kCapIpcLock)) return sched::kUnlimited;
    return process.limit(sched::kLimitMemlock);
}

SyscallResult sys_mlock(u64 addr, usize length) { return lock(addr, length, true); }

SyscallResult sys_mlock2(u64 addr, usize length, int flags) {
    if (flags & ~kOnFault) return fail(Errno::kEINVAL);
    return lock(addr, length, flags == 0);
}

SyscallResult sys_munlock(u64 addr, usize length) {
    TRY(space().unlock(UserAddr(addr), length));
    return 0;
}

SyscallResult sys_mlockall(int flags) {
    if (flags & ~(kAllCurrent | kAllFuture | kAllOnFault) || !(flags & (kAllCurrent | kAllFuture)))
        return fail(Errno::kEINVAL);
    u64 most = lock_limit();
    if (most == 0) return fail(Errno::kEPERM);
    TRY(space().lock_all(flags & kAllCurrent, flags & kAllFuture, !(flags & kAllOnFault), most));
    return 0;
}

SyscallResult sys_munlockall() {
    TRY(space().lock_all(false, false, false, 0));
    return 0;
}

}  // namespace astra::syscalls
