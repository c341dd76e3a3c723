// The table of futex waiters.
#include "guest_kernel/sched/futex_queue.hpp"

#include "guest_kernel/mm/user_copy.hpp"

namespace astra::sched::futex {

namespace {

Bucket g_buckets[kBuckets];

}  // namespace

Bucket& bucket_of(const Key& key) {
    u64 hash =
        (reinterpret_cast<u64>(key.object) ^ key.offset * 0x9e37'79b9'7f4a'7c15) * 0xff51'afd7'ed55'8ccd;
    return g_buckets[hash >> 56];
}

Bucket& bucket_at(usize index) { return g_buckets[index]; }

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

Result<void> fault_in(UserAddr word, bool write) {
    bool there = current_process().space().populate(word.page(), kPageSize, write).has_value();
    return there ? Result<void>{} : fail(Errno::kEFAULT);
}

void wake_waiter(Waiter& waiter) {
    Ref<Thread> thread(*waiter.thread);  // once it sees that it is woken it may return, and end
    waiter.node.unlink();
    waiter.bucket.store(nullptr, std::memory_order_release);
    wake_thread(*thread);
}

Result<u32> wake_matching(Waiters& waiters, const Key& key, u32 count, u32 bits) {
    u32 woken = 0;
    for (Waiter& waiter : waiters) {
        if (woken == count) break;
        if (waiter.key != key) continue;
        if (waiter.kind != Kind::Plain) return fail(Errno::kEINVAL);
        if (!(waiter.bits & bits)) continue;
        wake_waiter(waiter);
        woken++;
    }
    return woken;
}

bool withdraw(Waiter& waiter) {
    while (Bucket* bucket = waiter.bucket.load(std::memory_order_acquire)) {
        auto waiters = bucket->waiters.lock();
        if (waiter.bucket.load(std::memory_order_relaxed) != bucket) continue;
        waiter.node.unlink();
        if (waiter.owner) waiter.owner->contended_mutexes--;
        return true;
    }
    return false;
}

Queued enqueue_if_equal(Waiter& waiter, UserAddr word, u32 expected) {
    Bucket& bucket = bucket_of(waiter.key);
    auto waiters = bucket.waiters.lock();
    u32 value;
    if (!arch::user_load(word, value)) return Queued::Unreachable;
    if (value != expected) return Queued::Different;
    waiter.bucket.store(&bucket, std::memory_order_relaxed);
    waiters->push_back(waiter);
    return Queued::Yes;
}

Result<void> enqueue(Waiter& waiter, UserAddr word, u32 expected) {
    for (;;) {
        Queued queued = enqueue_if_equal(waiter, word, expected);
        if (queued == Queued::Yes) return {};
        if (queued == Queued::Different) return fail(Errno::kEAGAIN);
        TRY(fault_in(word, false));
    }
}

}  // namespace astra::sched::futex
