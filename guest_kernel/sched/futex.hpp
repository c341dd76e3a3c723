// Futexes (futex(2)): sleeping on a word of program memory, and what ends with a thread (robust lists).
#pragma once
#include <span>

#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/result.hpp"
#include "guest_kernel/sched/wait_queue.hpp"

namespace astra::sched {

class Thread;

/// Whether a word is known to be private to the process (FUTEX_PRIVATE_FLAG) or may be shared memory.
enum class FutexScope : bool { Private, Shared };

inline constexpr u32 kFutexAnyBits = ~u32{0};  // FUTEX_BITSET_MATCH_ANY

/// Sleeps while the word is `expected`, until woken with a bit of `bits`. Errors: EAGAIN (it is not),
/// ETIMEDOUT, kRestartSys (a signal), EINVAL (not aligned), EFAULT.
Result<void> futex_wait(UserAddr word, FutexScope scope, u32 expected, u32 bits, u64 deadline_ns);
/// Wakes up to `count` waiters that share a bit with `bits`; returns how many.
Result<u32> futex_wake(UserAddr word, FutexScope scope, u32 count, u32 bits);
/// Wakes up to `wake` waiters of `from` and moves up to `move` more to `to`; returns how many of both. With
/// `expected`, only if `from` holds it (EAGAIN).
Result<u32> futex_requeue(UserAddr from, UserAddr to, FutexScope scope, u32 wake, u32 move,
                          const u32* expected);
/// FUTEX_WAKE_OP: changes the word `second` as `operation` says, wakes up to `wake` waiters of `first`, and
/// up to `wake_second` of `second` if its old value passes the comparison. Errors: ENOSYS for an unknown
/// operation.
Result<u32> futex_wake_op(UserAddr first, UserAddr second, FutexScope scope, u32 wake, u32 wake_second,
                          u32 operation);

/// One word of futex_waitv(2) and what it should hold.
struct FutexWord {
    UserAddr address;
    FutexScope scope;
    u32 expected;
};
/// Sleeps while every word holds what is expected, until one is woken; returns which. Errors as futex_wait,
/// ENOMEM.
Result<u32> futex_wait_many(std::span<const FutexWord> words, u64 deadline_ns);

// Mutexes whose word holds their owner's thread id (FUTEX_LOCK_PI and relatives). Every thread is scheduled
// alike, so there is no priority to inherit; what remains is that the kernel hands the mutex over, first come
// first served, and that it knows the owner.

inline constexpr u32 kFutexWaiters = 0x8000'0000, kFutexOwnerDied = 0x4000'0000, kFutexTidMask = 0x3fff'ffff;

/// Takes the mutex, sleeping while another thread has it; with `try_only` only if it is free. Errors: EDEADLK
/// (the caller has it), ESRCH (its owner does not exist), EINVAL (the word does not agree with the waiters),
/// EAGAIN (try_only), ETIMEDOUT, kRestartNoIntr, EFAULT.
Result<void> futex_lock_mutex(UserAddr word, FutexScope scope, u64 deadline_ns, bool try_only);
/// Gives the caller's mutex to whoever waited longest. Errors: EPERM (not the caller's), EINVAL, EFAULT.
Result<void> futex_unlock_mutex(UserAddr word, FutexScope scope);
/// Sleeps on the plain word `from` while it is `expected`, to be moved to the mutex `to`; returns with that
/// mutex taken. Errors: EAGAIN, EINVAL (the same word), ETIMEDOUT, kRestartNoIntr, EFAULT.
Result<void> futex_wait_requeue(UserAddr from, UserAddr to, FutexScope scope, u32 expected, u32 bits,
                                u64 deadline_ns);
/// Gives the mutex `to` to the first of those who wait on `from` for it if it is free, and moves up to
/// `move` others to it. Returns how many in all. Errors: EAGAIN (`from` is not `expected`), EINVAL, ESRCH,
/// EFAULT.
Result<u32> futex_requeue_to_mutex(UserAddr from, UserAddr to, FutexScope scope, u32 move, u32 expected);
/// A thread ends: mutexes it still has can be taken by those who wait for them.
void orphan_mutexes(Thread& thread);

/// What a thread's end means for its program's memory: its robust mutexes become free, its tid word is
/// cleared and woken. Called by the thread itself, also when it executes another program.
void leave_user_memory(Thread& thread);

}  // namespace astra::sched
