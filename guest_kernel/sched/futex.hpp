// Futexes (futex(2)): sleeping on a word of program memory, and what ends with a thread (robust lists).
#pragma once
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

/// What a thread's end means for its program's memory: its robust mutexes become free, its tid word is
/// cleared and woken. Called by the thread itself, also when it executes another program.
void leave_user_memory(Thread& thread);

}  // namespace astra::sched
