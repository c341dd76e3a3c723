// Futexes: a table of buckets, each with its waiters. A waiter compares the word and queues itself under its
// bucket's lock, and wakers look under the same lock: no wake-up falls in between.
#include "guest_kernel/sched/futex.hpp"

#include <algorithm>

#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

// Where a word is: private memory by address space and address, shared memory by the object behind it.
struct Key {
    const void* object;
    u64 offset;
    bool operator==(const Key&) const = default;
};

struct Bucket;

struct FutexWaiter {
    ListNode node;
    Key key;
    u32 bits;
    Thread* thread;
    std::atomic<Bucket*> bucket;  // changes when requeued; null: woken
};

struct Bucket {
    SpinLocked<List<FutexWaiter, &FutexWaiter::node>, Rank::Futex> waiters;
};
using Waiters = List<FutexWaiter, &FutexWaiter::node>;

constexpr usize kBuckets = 256;
Bucket g_buckets[kBuckets];

Bucket& bucket_of(const Key& key) {
    u64 hash =
        (reinterpret_cast<u64>(key.object) ^ key.offset * 0x9e37'79b9'7f4a'7c15) * 0xff51'afd7'ed55'8ccd;
    return g_buckets[hash >> 56];
}

Result<Key> key_of(UserAddr word, FutexScope scope) {
    if (!is_aligned(word.raw(), sizeof(u32))) return fail(Errno::kEINVAL);
    if (!mm::is_user_range(word, sizeof(u32))) return fail(Errno::kEFAULT);
    mm::AddressSpace& space = current_process().space();
    if (scope == FutexScope::Shared) {
        mm::AddressSpace::FutexOrigin origin = TRY(space.futex_origin(word));
        if (origin.object) return Key{origin.object, origin.offset};
    }
    return Key{&space, word.raw()};
}

// Brings a word in that could not be read under a spin lock. Errors: EFAULT.
Result<void> fault_in(UserAddr word, bool write) {
    bool there = current_process().space().populate(word.page(), kPageSize, write).has_value();
    return there ? Result<void>{} : fail(Errno::kEFAULT);
}

// Bucket locked.
void wake_waiter(FutexWaiter& waiter) {
    Ref<Thread> thread(*waiter.thread);  // once it sees that it is woken it may return, and end
    waiter.node.unlink();
    waiter.bucket.store(nullptr, std::memory_order_release);
    wake_thread(*thread);
}

// Bucket locked.
u32 wake_matching(Waiters& waiters, const Key& key, u32 count, u32 bits) {
    u32 woken = 0;
    for (FutexWaiter& waiter : waiters) {
        if (woken == count) break;
        if (waiter.key != key || !(waiter.bits & bits)) continue;
        wake_waiter(waiter);
        woken++;
    }
    return woken;
}

// Takes a waiter off whatever bucket it is on. False: it was woken already.
bool withdraw(FutexWaiter& waiter) {
    while (Bucket* bucket = waiter.bucket.load(std::memory_order_acquire)) {
        auto waiters = bucket->waiters.lock();
        if (waiter.bucket.load(std::memory_order_relaxed) != bucket) continue;
        waiter.node.unlink();
        return true;
    }
    return false;
}

// Two buckets locked in order of address; the same one once.
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

// FUTEX_OP's fields (futex(2)).
struct WakeOp {
    u32 operation, comparison;
    u32 operand, comparand;
    explicit WakeOp(u32 encoded)
        : operation(encoded >> 28 & 7),
          comparison(encoded >> 24 & 15),
          operand(sign_extend(encoded >> 12)),
          comparand(sign_extend(encoded)) {
        if (encoded >> 31) operand = u32{1} << (operand & 31);  // FUTEX_OP_OPARG_SHIFT
    }
    static u32 sign_extend(u32 twelve_bits) {
        return static_cast<u32>(static_cast<i32>(twelve_bits << 20) >> 20);
    }
    [[nodiscard]] bool valid() const { return operation <= 4 && comparison <= 5; }
    [[nodiscard]] u32 apply(u32 old) const {
        const u32 results[] = {operand, old + operand, old | operand, old & ~operand, old ^ operand};
        return results[operation];
    }
    [[nodiscard]] bool compare(u32 old) const {
        auto a = static_cast<i32>(old), b = static_cast<i32>(comparand);
        const bool results[] = {a == b, a != b, a<b, a <= b, a> b, a >= b};
        return results[comparison];
    }
};

// Atomically applies `op`; false when the word cannot be reached right now.
bool update_word(UserAddr word, const WakeOp& op, u32& old) {
    u32 expected;
    if (!arch::user_load(word, expected)) return false;
    for (;;) {
        if (!arch::user_compare_exchange(word, expected, op.apply(expected), old)) return false;
        if (old == expected) return true;
        expected = old;
    }
}

enum class Queued { Yes, Different, Unreachable };

Queued enqueue_if_equal(FutexWaiter& waiter, UserAddr word, u32 expected) {
    Bucket& bucket = bucket_of(waiter.key);
    auto waiters = bucket.waiters.lock();
    u32 value;
    if (!arch::user_load(word, value)) return Queued::Unreachable;
    if (value != expected) return Queued::Different;
    waiter.bucket.store(&bucket, std::memory_order_relaxed);
    waiters->push_back(waiter);
    return Queued::Yes;
}

}  // namespace

Result<void> futex_wait(UserAddr word, FutexScope scope, u32 expected, u32 bits, u64 deadline_ns) {
    FutexWaiter waiter{{}, TRY(key_of(word, scope)), bits, &current(), nullptr};
    for (;;) {
        Queued queued = enqueue_if_equal(waiter, word, expected);
        if (queued == Queued::Yes) break;
        if (queued == Queued::Different) return fail(Errno::kEAGAIN);
        TRY(fault_in(word, false));
    }
    for (;;) {
        begin_sleep(Sleep::Interruptible);
        if (!waiter.bucket.load(std::memory_order_acquire)) {
            cancel_sleep();
            return {};
        }
        Result<void> slept = block(deadline_ns);
        if (slept) continue;
        return withdraw(waiter) ? slept : Result<void>{};
    }
}

Result<u32> futex_wake(UserAddr word, FutexScope scope, u32 count, u32 bits) {
    Key key = TRY(key_of(word, scope));
    auto waiters = bucket_of(key).waiters.lock();
    return wake_matching(*waiters, key, count, bits);
}

Result<u32> futex_requeue(UserAddr from, UserAddr to, FutexScope scope, u32 wake, u32 move,
                          const u32* expected) {
    Key source = TRY(key_of(from, scope)), target = TRY(key_of(to, scope));
    Bucket &source_bucket = bucket_of(source), &target_bucket = bucket_of(target);
    for (;;) {
        bool unreachable = false;
        Result<u32> done =
            with_both(source_bucket, target_bucket, [&](Waiters& here, Waiters& there) -> Result<u32> {
                u32 value;
                if (expected && !arch::user_load(from, value)) {
                    unreachable = true;
                    return 0;
                }
                if (expected && value != *expected) return fail(Errno::kEAGAIN);
                u32 woken = wake_matching(here, source, wake, kFutexAnyBits);
                u32 moved = 0;
                if (source == target) return woken;
                for (FutexWaiter& waiter : here) {
                    if (moved == move) break;
                    if (waiter.key != source) continue;
                    waiter.node.unlink();
                    waiter.key = target;
                    waiter.bucket.store(&target_bucket, std::memory_order_release);
                    there.push_back(waiter);
                    moved++;
                }
                return woken + moved;
            });
        if (!unreachable) return done;
        TRY(fault_in(from, false));
    }
}

Result<u32> futex_wake_op(UserAddr first, UserAddr second, FutexScope scope, u32 wake, u32 wake_second,
                          u32 operation) {
    WakeOp op(operation);
    if (!op.valid()) return fail(Errno::kENOSYS);
    Key key = TRY(key_of(first, scope)), second_key = TRY(key_of(second, scope));
    for (;;) {
        u32 woken = 0;
        bool reached = with_both(bucket_of(key), bucket_of(second_key), [&](Waiters& here, Waiters& there) {
            u32 old;
            if (!update_word(second, op, old)) return false;
            woken = wake_matching(here, key, wake, kFutexAnyBits);
            if (op.compare(old)) woken += wake_matching(there, second_key, wake_second, kFutexAnyBits);
            return true;
        });
        if (reached) return woken;
        TRY(fault_in(second, true));
    }
}

}  // namespace astra::sched
