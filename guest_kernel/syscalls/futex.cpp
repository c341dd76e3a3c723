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
    kLock,
    kUnlock,
    kTryLock,
    kWaitBitset,
    kWakeBitset,
    kWaitRequeue,
    kRequeueToMutex,
    kLock2,
    kPrivate = 128,
    kClockRealtime = 256,
};

// FUTEX_WAIT's timeout is a duration, all others are points in time: FUTEX_LOCK_PI's of the wall clock.
Result<u64> wait_deadline(int operation, bool realtime, u64 timeout) {
    In<TimeSpec> pointer{UserAddr(timeout)};
    if (pointer.is_null()) return sched::kForever;
    u64 ns = TRY(sched::to_ns(TRY(mm::read(pointer))));
    if (operation == kWait) {
        u64 restarted = std::exchange(sched::current().restart_deadline_ns, 0);
        return restarted ? restarted : sched::deadline_after(ns);
    }
    bool wall = realtime || operation == kLock;
    return sched::deadline_at(wall ? sched::kClockRealtime : sched::kClockMonotonic, ns);
}

// FUTEX_WAIT's remaining time is kept for a restart.
SyscallResult wait(int operation, UserAddr word, sched::FutexScope scope, u32 value, u32 bits,
                   u64 deadline_ns) {
    Result<void> waited = sched::futex_wait(word, scope, value, bits, deadline_ns);
    if (!waited && waited.error() == Errno::kRestartSys && operation == kWait &&
        deadline_ns != sched::kForever) {
        sched::current().restart_deadline_ns = deadline_ns;
        return fail(Errno::kRestartBlock);
    }
    TRY(waited);
    return 0;
}

constexpr u32 kMostWords = 128;  // FUTEX_WAITV_MAX
constexpr u32 kWordSize32 = 2;   // FUTEX2_SIZE_U32, the only size there is

Result<sched::FutexWord> read_word(In<FutexWaitV> from) {
    FutexWaitV word = TRY(mm::read(from));
    if (word.reserved || word.flags & ~(kWordSize32 | kPrivate) || !(word.flags & kWordSize32))
        return fail(Errno::kEINVAL);
    auto scope = word.flags & kPrivate ? sched::FutexScope::Private : sched::FutexScope::Shared;
    return sched::FutexWord{UserAddr(word.address), scope, static_cast<u32>(word.value)};
}

}  // namespace

SyscallResult sys_futex(InOut<u32> uaddr, int op, u32 value, u64 timeout, InOut<u32> uaddr2, u32 value3) {
    int operation = op & ~(kPrivate | kClockRealtime);
    bool realtime = op & kClockRealtime;
    auto scope = op & kPrivate ? sched::FutexScope::Private : sched::FutexScope::Shared;
    bool has_clock = operation == kWaitBitset || operation == kWaitRequeue || operation == kLock2;
    if (realtime && !has_clock) return fail(Errno::kENOSYS);
    UserAddr word = uaddr.address(), second = uaddr2.address();
    auto count2 = static_cast<u32>(timeout);  // the fourth argument is a count where there is no timeout
    switch (operation) {
        case kWait: value3 = sched::kFutexAnyBits; [[fallthrough]];
        case kWaitBitset: {
            if (!value3) return fail(Errno::kEINVAL);
            u64 deadline = TRY(wait_deadline(operation, realtime, timeout));
            return wait(operation, word, scope, value, value3, deadline);
        }
        case kWake: value3 = sched::kFutexAnyBits; [[fallthrough]];
        case kWakeBitset:
            if (!value3) return fail(Errno::kEINVAL);
            return TRY(sched::futex_wake(word, scope, value, value3));
        case kRequeue: return TRY(sched::futex_requeue(word, second, scope, value, count2, nullptr));
        case kCmpRequeue: return TRY(sched::futex_requeue(word, second, scope, value, count2, &value3));
        case kWakeOp: return TRY(sched::futex_wake_op(word, second, scope, value, count2, value3));
        case kLock:
        case kLock2: {
            u64 deadline = TRY(wait_deadline(operation, realtime, timeout));
            TRY(sched::futex_lock_mutex(word, scope, deadline, false));
            return 0;
        }
        case kTryLock: TRY(sched::futex_lock_mutex(word, scope, sched::kForever, true)); return 0;
        case kUnlock: TRY(sched::futex_unlock_mutex(word, scope)); return 0;
        case kWaitRequeue: {
            if (!value3) return fail(Errno::kEINVAL);
            u64 deadline = TRY(wait_deadline(operation, realtime, timeout));
            TRY(sched::futex_wait_requeue(word, second, scope, value, sched::kFutexAnyBits, deadline));
            return 0;
        }
        case kRequeueToMutex:
            if (value != 1) return fail(Errno::kEINVAL);
            return TRY(sched::futex_requeue_to_mutex(word, second, scope, count2, value3));
        default: return fail(Errno::kENOSYS);
    }
}

SyscallResult sys_futex_waitv(In<FutexWaitV> waiters, u32 count, u32 flags, In<TimeSpec> timeout, int clock) {
    if (flags || !count || count > kMostWords || waiters.is_null()) return fail(Errno::kEINVAL);
    u64 deadline = sched::kForever;
    if (!timeout.is_null()) {
        if (clock != sched::kClockMonotonic && clock != sched::kClockRealtime) return fail(Errno::kEINVAL);
        deadline = sched::deadline_at(clock, TRY(sched::to_ns(TRY(mm::read(timeout)))));
    }
    Vector<sched::FutexWord> words;
    for (u32 i = 0; i < count; i++) TRY(words.push_back(TRY(read_word(waiters + i))));
    return TRY(sched::futex_wait_many({words.data(), words.size()}, deadline));
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
    if (!who.can(sched::kCapSysPtrace) && thread->process().credentials().uid != who.uid)
        return fail(Errno::kEPERM);
    TRY(mm::write(length, sizeof(RobustListHead)));
    TRY(mm::write(head, thread->robust_list.raw()));
    return 0;
}

}  // namespace astra::syscalls
