// The queues behind futexes, shared by the plain operations (futex.cpp) and those on mutexes with an owner
// (futex_pi.cpp). A table of buckets, each with its waiters: a waiter compares the word and queues itself
// under its bucket's lock, and wakers look under the same lock, so no wake-up falls in between.
#pragma once
#include "guest_kernel/sched/futex.hpp"
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched::futex {

/// Where a word is: private memory by address space and address, shared memory by the object behind it.
struct Key {
    const void* object = nullptr;
    u64 offset = 0;
    bool operator==(const Key&) const = default;
};

struct Bucket;

/// What a waiter waits for: a wake-up; the mutex the word is; or to be moved on to a mutex, and for that.
enum class Kind : u8 { Plain, Mutex, MovesToMutex };

/// Lives on the waiting thread's stack. Guarded by the lock of its bucket.
struct Waiter {
    ListNode node;
    Key key;
    u32 bits = kFutexAnyBits;
    Kind kind = Kind::Plain;
    Thread* thread = nullptr;
    std::atomic<Bucket*> bucket{nullptr};  // changes when moved; null: woken
    Key target;                            // MovesToMutex: the only mutex it may be moved to
    Ref<Thread> owner;                     // Mutex: who holds it
    std::atomic<bool> orphaned{false};     // Mutex: its owner ended; whoever waits first may take it
};
using Waiters = List<Waiter, &Waiter::node>;

struct Bucket {
    SpinLocked<Waiters, Rank::Futex> waiters;
};
inline constexpr usize kBuckets = 256;

Bucket& bucket_of(const Key& key);
Bucket& bucket_at(usize index);
/// Errors: EINVAL (not aligned), EFAULT.
Result<Key> key_of(UserAddr word, FutexScope scope);
/// Brings a word in that could not be reached under a spin lock. Errors: EFAULT.
Result<void> fault_in(UserAddr word, bool write);
/// Takes the waiter off its bucket, which is locked, and wakes its thread.
void wake_waiter(Waiter& waiter);
/// Wakes up to `count` plain waiters for `key` that share a bit. Bucket locked. Errors: EINVAL when it meets
/// one that waits for a mutex.
Result<u32> wake_matching(Waiters& waiters, const Key& key, u32 count, u32 bits);
/// Takes a waiter off whatever bucket it is on. False: it was woken already.
bool withdraw(Waiter& waiter);
/// Queues the waiter on the bucket of its key if the word holds `expected`.
enum class Queued { Yes, Different, Unreachable };
Queued enqueue_if_equal(Waiter& waiter, UserAddr word, u32 expected);
/// As enqueue_if_equal, bringing the word in when it must be. Errors: EAGAIN (it holds something else),
/// EFAULT.
Result<void> enqueue(Waiter& waiter, UserAddr word, u32 expected);

/// Sleeps until `woken()` is true, which whoever makes it so follows with wake_thread. Errors: ETIMEDOUT,
/// kRestartSys.
template <class Woken>
Result<void> sleep_until_woken(Woken&& woken, u64 deadline_ns) {
    for (;;) {
        begin_sleep(Sleep::Interruptible);
        if (woken()) {
            cancel_sleep();
            return {};
        }
        TRY(block(deadline_ns));
    }
}

/// Runs `body` with two buckets locked, in order of address; the same one once.
template <class F>
auto with_both(Bucket& a, Bucket& b, F&& body) {
    if (&a == &b) {
        auto both = a.waiters.lock();
        return body(*both, *both);
    }
    Bucket &low = &a < &b ? a : b, &high = &a < &b ? b : a;
    auto first = low.waiters.lock();
    auto second = high.waiters.lock_second();
    return &low == &a ? body(*first, *second) : body(*second, *first);
}

}  // namespace astra::sched::futex
