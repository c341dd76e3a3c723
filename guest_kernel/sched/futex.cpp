// Futexes without an owner: waiting, waking, moving, and the operation on two words.
#include "guest_kernel/sched/futex_queue.hpp"

namespace astra::sched {

using namespace futex;

namespace {

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

bool is_woken(const futex::Waiter& waiter) { return !waiter.bucket.load(std::memory_order_acquire); }

// Withdraws all of them; the first one that was woken before that, or -1.
int withdraw_all(std::span<const Own<futex::Waiter>> waiters) {
    int woken = -1;
    for (usize i = 0; i < waiters.size(); i++)
        if (!withdraw(*waiters[i]) && woken < 0) woken = static_cast<int>(i);
    return woken;
}

// Queues a waiter for each word; stops at the first that cannot be.
Result<void> enqueue_all(std::span<const FutexWord> words, Vector<Own<futex::Waiter>>& waiters) {
    for (const FutexWord& word : words) {
        auto waiter = TRY(make_own<futex::Waiter>());
        waiter->key = TRY(key_of(word.address, word.scope));
        waiter->thread = &current();
        futex::Waiter& queued = *waiter;
        TRY(waiters.push_back(std::move(waiter)));
        TRY(enqueue(queued, word.address, word.expected));
    }
    return {};
}

}  // namespace

Result<void> futex_wait(UserAddr word, FutexScope scope, u32 expected, u32 bits, u64 deadline_ns) {
    futex::Waiter waiter;
    waiter.key = TRY(key_of(word, scope));
    waiter.bits = bits;
    waiter.thread = &current();
    TRY(enqueue(waiter, word, expected));
    Result<void> slept = sleep_until_woken([&] { return is_woken(waiter); }, deadline_ns);
    return slept || !withdraw(waiter) ? Result<void>{} : slept;
}

Result<u32> futex_wait_many(std::span<const FutexWord> words, u64 deadline_ns) {
    Vector<Own<futex::Waiter>> waiters;
    Result<void> ended = enqueue_all(words, waiters);
    auto any_woken = [&] {
        for (const Own<futex::Waiter>& waiter : waiters)
            if (is_woken(*waiter)) return true;
        return false;
    };
    if (ended) ended = sleep_until_woken(any_woken, deadline_ns);
    // The one that could not be queued was never on a bucket, which looks as if it had been woken.
    usize queued = waiters.size();
    if (!ended && ended.error() == Errno::kEAGAIN) queued--;
    int woken = withdraw_all({waiters.data(), queued});
    if (woken >= 0) return static_cast<u32>(woken);
    return fail(ended.error());
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
                u32 woken = TRY(wake_matching(here, source, wake, kFutexAnyBits));
                u32 moved = 0;
                if (source == target) return woken;
                for (futex::Waiter& waiter : here) {
                    if (moved == move) break;
                    if (waiter.key != source) continue;
                    if (waiter.kind != Kind::Plain) return fail(Errno::kEINVAL);
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
        bool reached = false;
        auto change_and_wake = [&](Waiters& here, Waiters& there) -> Result<u32> {
            u32 old;
            reached = update_word(second, op, old);
            if (!reached) return 0;
            u32 woken = TRY(wake_matching(here, key, wake, kFutexAnyBits));
            if (op.compare(old)) woken += TRY(wake_matching(there, second_key, wake_second, kFutexAnyBits));
            return woken;
        };
        Result<u32> woken = with_both(bucket_of(key), bucket_of(second_key), change_and_wake);
        if (reached) return woken;
        TRY(fault_in(second, true));
    }
}

}  // namespace astra::sched
