// Futexes that are mutexes with an owner (futex(2), "Priority-inheritance futexes").
//
// The word holds the owner's thread id, and FUTEX_WAITERS while somebody sleeps here. Unlocking writes the
// next owner's id, so nobody can come in between. When an owner ends without unlocking, the waiters are told
// that they are orphaned and the first of them writes its own id: only it can reach the word, which may be
// mapped elsewhere in the owner's memory.
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/futex_queue.hpp"

namespace astra::sched {

using namespace futex;

namespace {

u32 own_id() { return static_cast<u32>(current().tid()); }

futex::Waiter* first_waiter(Waiters& waiters, const Key& key) {
    for (futex::Waiter& waiter : waiters)
        if (waiter.kind == Kind::Mutex && waiter.key == key) return &waiter;
    return nullptr;
}

// Bucket locked. Nobody's last reference goes here: the old owner is running, or ended after it orphaned its
// waiters, who then have none.
void set_owner(futex::Waiter& waiter, Thread* owner) {
    if (waiter.owner) waiter.owner->contended_mutexes--;
    waiter.owner = owner ? Ref<Thread>(*owner) : nullptr;
    if (owner) owner->contended_mutexes++;
    waiter.orphaned = false;
}

// The waiters that are left wait for `owner` now. Bucket locked.
void change_owner(Waiters& waiters, const Key& key, Thread& owner) {
    for (futex::Waiter& waiter : waiters)
        if (waiter.kind == Kind::Mutex && waiter.key == key) set_owner(waiter, &owner);
}

enum class Attempt { Taken, Queued, Unreachable, Again, Busy };

// The thread whose id the word held a moment ago: looked up before the bucket is locked, and checked to be
// still the one under the lock.
struct Owner {
    u32 tid = 0;
    Ref<Thread> thread;
};

Result<Owner> look_up_owner(UserAddr word) {
    Owner owner;
    owner.tid = TRY(mm::read(abi::In<u32>(word))) & kFutexTidMask;
    if (owner.tid) owner.thread = find_thread(static_cast<int>(owner.tid));
    return owner;
}

// Makes `taker` the owner of a mutex that has none. Bucket locked.
Attempt take_free(Waiters& waiters, const Key& key, UserAddr word, u32 value, Thread& taker, bool more) {
    u32 bits = (value & kFutexOwnerDied) | (first_waiter(waiters, key) || more ? kFutexWaiters : 0), seen;
    if (!arch::user_compare_exchange(word, value, bits | static_cast<u32>(taker.tid()), seen))
        return Attempt::Unreachable;
    if (seen != value) return Attempt::Again;
    change_owner(waiters, key, taker);
    return Attempt::Taken;
}

// Sets FUTEX_WAITERS in a mutex that `owner` has; afterwards a waiter for it may be queued: `owner` has
// promised to look. Bucket locked.
Result<Attempt> announce_waiter(Waiters& waiters, const Key& key, UserAddr word, u32 value,
                                const Owner& owner) {
    if ((value & kFutexTidMask) != owner.tid) return Attempt::Again;
    if (!owner.thread) return fail(Errno::kESRCH);
    futex::Waiter* first = first_waiter(waiters, key);
    if (first && first->owner != owner.thread) return fail(Errno::kEINVAL);
    u32 seen;
    if (!arch::user_compare_exchange(word, value, value | kFutexWaiters, seen)) return Attempt::Unreachable;
    if (seen != value) return Attempt::Again;
    return Attempt::Queued;
}

// Queues for a mutex; Busy when its owner is past looking for waiters. Bucket locked.
Attempt queue_for(Waiters& waiters, Bucket& bucket, futex::Waiter& waiter, Thread& owner) {
    set_owner(waiter, &owner);
    if (owner.mutexes_orphaned.load(std::memory_order_seq_cst)) {
        set_owner(waiter, nullptr);
        return Attempt::Busy;
    }
    waiter.bucket.store(&bucket, std::memory_order_relaxed);
    waiters.push_back(waiter);
    return Attempt::Queued;
}

Result<Attempt> try_lock(futex::Waiter& waiter, UserAddr word, const Owner& owner, bool try_only) {
    Bucket& bucket = bucket_of(waiter.key);
    auto waiters = bucket.waiters.lock();
    u32 value;
    if (!arch::user_load(word, value)) return Attempt::Unreachable;
    if ((value & kFutexTidMask) == own_id()) return fail(Errno::kEDEADLOCK);
    if (!(value & kFutexTidMask)) return take_free(*waiters, waiter.key, word, value, current(), false);
    Attempt announced = TRY(announce_waiter(*waiters, waiter.key, word, value, owner));
    if (announced != Attempt::Queued) return announced;
    if (try_only) return fail(Errno::kEAGAIN);
    return queue_for(*waiters, bucket, waiter, *owner.thread);
}

// An orphaned waiter takes the mutex if it is the first in line. Queued: it has to wait on.
Result<Attempt> claim(futex::Waiter& waiter, UserAddr word) {
    Bucket& bucket = bucket_of(waiter.key);
    auto waiters = bucket.waiters.lock();
    if (!waiter.orphaned || first_waiter(*waiters, waiter.key) != &waiter) return Attempt::Queued;
    u32 value, seen;
    if (!arch::user_load(word, value)) return Attempt::Unreachable;
    u32 mine = own_id() | kFutexWaiters | kFutexOwnerDied;
    if (!arch::user_compare_exchange(word, value, mine, seen)) return Attempt::Unreachable;
    if (seen != value) return Attempt::Again;
    waiter.node.unlink();
    waiter.bucket.store(nullptr, std::memory_order_relaxed);
    change_owner(*waiters, waiter.key, current());
    return Attempt::Taken;
}

// Sleeps until the queued waiter has the mutex at `word`, or (MovesToMutex) until it is woken.
Result<void> sleep_for(futex::Waiter& waiter, UserAddr word, u64 deadline_ns) {
    auto ready = [&] { return !waiter.bucket.load(std::memory_order_acquire) || waiter.orphaned; };
    for (;;) {
        Result<void> slept = sleep_until_woken(ready, deadline_ns);
        if (!waiter.bucket.load(std::memory_order_acquire)) return {};
        if (!slept) {
            if (!withdraw(waiter)) return {};
            return fail(slept.error() == Errno::kRestartSys ? Errno::kRestartNoIntr : slept.error());
        }
        Attempt claimed = TRY(claim(waiter, word));
        if (claimed == Attempt::Taken) return {};
        if (claimed == Attempt::Unreachable) TRY(fault_in(word, true));
        if (claimed == Attempt::Queued && waiter.orphaned) yield();  // those before it are on their way
    }
}

// Hands the caller's mutex to the first waiter. Bucket locked.
Result<Attempt> hand_over(Waiters& waiters, const Key& key, UserAddr word) {
    u32 value, seen;
    if (!arch::user_load(word, value)) return Attempt::Unreachable;
    if ((value & kFutexTidMask) != own_id()) return fail(Errno::kEPERM);
    futex::Waiter* next = first_waiter(waiters, key);
    if (next && next->owner.get() != &current()) return fail(Errno::kEINVAL);
    u32 wanted = next ? static_cast<u32>(next->thread->tid()) | kFutexWaiters : 0;
    if (!arch::user_compare_exchange(word, value, wanted, seen)) return Attempt::Unreachable;
    if (seen != value) return Attempt::Again;
    if (!next) return Attempt::Taken;
    Ref<Thread> heir(*next->thread);
    set_owner(*next, nullptr);
    wake_waiter(*next);
    change_owner(waiters, key, *heir);
    return Attempt::Taken;
}

// Bucket of both words locked: what futex_requeue_to_mutex does once `from` was found to hold `expected`.
struct Move {
    Key source, target;
    UserAddr word;  // of the mutex
    Bucket& target_bucket;
    u32 most;
    Owner owner;

    // Result in `count` when it answers Taken.
    Result<Attempt> run(Waiters& here, Waiters& there, u32& count) {
        u32 value, waiting = 0;
        if (!arch::user_load(word, value)) return Attempt::Unreachable;
        for (futex::Waiter& waiter : here) {
            if (waiter.key != source) continue;
            if (waiter.kind != Kind::MovesToMutex || waiter.target != target) return fail(Errno::kEINVAL);
            waiting++;
        }
        count = 0;
        if (!waiting) return Attempt::Taken;
        Ref<Thread> holder = owner.thread;
        if (!(value & kFutexTidMask)) {
            futex::Waiter& first = *first_for(here);
            holder = Ref<Thread>(*first.thread);
            Attempt taken = take_free(there, target, word, value, *holder, waiting > 1);
            if (taken != Attempt::Taken) return taken;
            wake_waiter(first);
            count = 1;
        } else {
            Attempt announced = TRY(announce_waiter(there, target, word, value, owner));
            if (announced != Attempt::Queued) return announced;
            if (holder->mutexes_orphaned) return Attempt::Busy;
        }
        u32 last = 1 + most;  // also when nobody had to be given the mutex
        for (futex::Waiter& waiter : here) {
            if (count == last) break;
            if (waiter.key != source) continue;
            waiter.node.unlink();
            waiter.kind = Kind::Mutex;
            waiter.key = target;
            if (queue_for(there, target_bucket, waiter, *holder) == Attempt::Busy) orphan(there, waiter);
            count++;
        }
        return Attempt::Taken;
    }

  private:
    futex::Waiter* first_for(Waiters& here) {
        for (futex::Waiter& waiter : here)
            if (waiter.key == source) return &waiter;
        return nullptr;
    }
    // Its owner ended between two waiters.
    void orphan(Waiters& there, futex::Waiter& waiter) {
        waiter.bucket.store(&target_bucket, std::memory_order_relaxed);
        there.push_back(waiter);
        waiter.orphaned = true;
        wake_thread(*waiter.thread);
    }
};

}  // namespace

Result<void> futex_lock_mutex(UserAddr word, FutexScope scope, u64 deadline_ns, bool try_only) {
    futex::Waiter waiter;
    waiter.key = TRY(key_of(word, scope));
    waiter.kind = Kind::Mutex;
    waiter.thread = &current();
    for (;;) {
        Owner owner = TRY(look_up_owner(word));
        Attempt attempt = TRY(try_lock(waiter, word, owner, try_only));
        if (attempt == Attempt::Taken) return {};
        if (attempt == Attempt::Queued) return sleep_for(waiter, word, deadline_ns);
        if (attempt == Attempt::Unreachable) TRY(fault_in(word, true));
        if (attempt == Attempt::Busy) yield();
    }
}

Result<void> futex_unlock_mutex(UserAddr word, FutexScope scope) {
    Key key = TRY(key_of(word, scope));
    for (;;) {
        Attempt attempt;
        {
            auto waiters = bucket_of(key).waiters.lock();
            attempt = TRY(hand_over(*waiters, key, word));
        }
        if (attempt == Attempt::Taken) return {};
        if (attempt == Attempt::Unreachable) TRY(fault_in(word, true));
    }
}

Result<void> futex_wait_requeue(UserAddr from, UserAddr to, FutexScope scope, u32 expected, u32 bits,
                                u64 deadline_ns) {
    futex::Waiter waiter;
    waiter.key = TRY(key_of(from, scope));
    waiter.target = TRY(key_of(to, scope));
    if (waiter.key == waiter.target) return fail(Errno::kEINVAL);
    waiter.bits = bits;
    waiter.kind = Kind::MovesToMutex;
    waiter.thread = &current();
    TRY(enqueue(waiter, from, expected));
    Result<void> slept = sleep_for(waiter, to, deadline_ns);
    // Once it was moved, the call cannot start again where it began.
    if (!slept && slept.error() == Errno::kRestartNoIntr && waiter.kind == Kind::Mutex)
        return fail(Errno::kEAGAIN);
    return slept;
}

Result<u32> futex_requeue_to_mutex(UserAddr from, UserAddr to, FutexScope scope, u32 move, u32 expected) {
    Key source = TRY(key_of(from, scope)), target = TRY(key_of(to, scope));
    if (source == target) return fail(Errno::kEINVAL);
    for (;;) {
        Move plan{source, target, to, bucket_of(target), move, TRY(look_up_owner(to))};
        bool source_unreachable = false;
        u32 count = 0;
        Result<Attempt> attempt = with_both(bucket_of(source), bucket_of(target),
                                            [&](Waiters& here, Waiters& there) -> Result<Attempt> {
                                                u32 value;
                                                source_unreachable = !arch::user_load(from, value);
                                                if (source_unreachable) return Attempt::Unreachable;
                                                if (value != expected) return fail(Errno::kEAGAIN);
                                                return plan.run(here, there, count);
                                            });
        if (!attempt) return fail(attempt.error());
        if (*attempt == Attempt::Taken) return count;
        if (*attempt == Attempt::Unreachable)
            TRY(source_unreachable ? fault_in(from, false) : fault_in(to, true));
        if (*attempt == Attempt::Busy) yield();
    }
}

void orphan_mutexes(Thread& thread) {
    thread.mutexes_orphaned.store(true, std::memory_order_seq_cst);
    if (!thread.contended_mutexes.load(std::memory_order_seq_cst)) return;
    for (usize i = 0; i < kBuckets; i++) {
        auto waiters = bucket_at(i).waiters.lock();
        for (futex::Waiter& waiter : *waiters) {
            if (waiter.owner.get() != &thread) continue;
            set_owner(waiter, nullptr);
            waiter.orphaned = true;
            wake_thread(*waiter.thread);
        }
    }
}

}  // namespace astra::sched
