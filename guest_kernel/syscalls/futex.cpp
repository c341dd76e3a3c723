// futex(2) and robust lists.
#include "guest_kernel/sched/futex.hpp"

#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

enum Operation : int {
    kWait,
    kWake,
    kRequeue = 3,
    kCmpRequeue,
    kWakeOp,
    kWaitBitset = 9,
    kWakeBitset,
    kPrivate = 128,
    kClockRealtime = 256,
};

// FUTEX_WAIT's timeout is a duration, FUTEX_WAIT_BITSET's a point in time.
Result<u64> wait_deadline(int operation, bool realtime, u64 timeout) {
    In<TimeSpec> pointer{UserAddr(timeout)};
    if (pointer.is_null()) return sched::kForever;
    u64 ns = TRY(sched::to_ns(TRY(mm::read(pointer))));
    if (operation == kWait) {
        u64 restarted = std::exchange(sched::current().restart_deadline_ns, 0);
        return restarted ? restarted : sched::deadline_after(ns);
    }
    return sched::deadline_at(realtime ? sched::kClockRealtime : sched::kClockMonotonic, ns);
}

}  // namespace

SyscallResult sys_futex(InOut<u32> uaddr, int op, u32 value, u64 timeout, InOut<u32> uaddr2, u32 value3) {
    int operation = op & ~(kPrivate | kClockRealtime);
    bool realtime = op & kClockRealtime;
    auto scope = op & kPrivate ? sched::FutexScope::Private : sched::FutexScope::Shared;
    if (realtime && operation != kWait && operation != kWaitBitset) return fail(Errno::kENOSYS);
    UserAddr word = uaddr.address(), second = uaddr2.address();
    auto count2 = static_cast<u32>(timeout);  // the fourth argument is a count where there is no timeout
    switch (operation) {
        case kWait: value3 = sched::kFutexAnyBits; [[fallthrough]];
        case kWaitBitset: {
            if (!value3) return fail(Errno::kEINVAL);
            u64 deadline = TRY(wait_deadline(operation, realtime, timeout));
            Result<void> waited = sched::futex_wait(word, scope, value, value3, deadline);
            if (!waited && waited.error() == Errno::kRestartSys && operation == kWait &&
                deadline != sched::kForever) {
                sched::current().restart_deadline_ns = deadline;
                return fail(Errno::kRestartBlock);
            }
            TRY(waited);
            return 0;
        }
        case kWake: value3 = sched::kFutexAnyBits; [[fallthrough]];
        case kWakeBitset:
            if (!value3) return fail(Errno::kEINVAL);
            return TRY(sched::futex_wake(word, scope, value, value3));
        case kRequeue: return TRY(sched::futex_requeue(word, second, scope, value, count2, nullptr));
        case kCmpRequeue: return TRY(sched::futex_requeue(word, second, scope, value, count2, &value3));
        case kWakeOp: return TRY(sched::futex_wake_op(word, second, scope, value, count2, value3));
        default: return fail(Errno::kENOSYS);  // priority inheritance
    }
}

SyscallResult sys_set_robust_list(In<RobustListHead> head, usize length) {
    if (length != sizeof(RobustListHead)) return fail(Errno::kEINVAL);
    sched::current().robust_list = head.address();
    return 0;
}

SyscallResult sys_get_robust_list(int pid, Out<u64> head, Out<usize> length) {
    Ref<sched::Thread> thread = pid ? sched::find_thread(pid) : Ref<sched::Thread>(sched::current());
    if (!thread) return fail(Errno::kESRCH);
    sched::Credentials who = sched::current_process().credentials();
    if (!who.is_privileged() && thread->process().credentials().uid != who.uid) return fail(Errno::kEPERM);
    TRY(mm::write(length, sizeof(RobustListHead)));
    TRY(mm::write(head, thread->robust_list.raw()));
    return 0;
}

}  // namespace astra::syscalls
