// Timeouts as programs give them, turned into deadlines.
#pragma once
#include <algorithm>

#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/base/result.hpp"
#include "guest_kernel/sched/wait_queue.hpp"

namespace astra::syscalls {

/// Monotonic time `ns` from now, never kForever; 0 ns: 0, "do not wait".
inline u64 deadline_in(u64 ns) {
    if (ns == 0) return 0;
    u64 now = arch::now_ns();
    return ns >= sched::kForever - 1 - now ? sched::kForever - 1 : now + ns;
}
/// Milliseconds, negative: for ever.
inline u64 deadline_in_ms(int ms) {
    return ms < 0 ? sched::kForever : deadline_in(static_cast<u64>(ms) * 1'000'000);
}
/// Errors: EINVAL when it is not a time.
inline Result<u64> deadline_in(const abi::TimeSpec& t) {
    if (t.sec < 0 || t.nsec < 0 || t.nsec >= 1'000'000'000) return fail(Errno::kEINVAL);
    u64 ns;
    if (__builtin_mul_overflow(static_cast<u64>(t.sec), u64{1'000'000'000}, &ns)) return sched::kForever - 1;
    return deadline_in(ns > ~u64{0} - 1'000'000'000 ? ns : ns + static_cast<u64>(t.nsec));
}
/// What is left until `deadline`; zero once it has passed.
inline abi::TimeSpec time_left(u64 deadline) {
    u64 now = arch::now_ns(), left = deadline > now ? deadline - now : 0;
    return {static_cast<i64>(left / 1'000'000'000), static_cast<i64>(left % 1'000'000'000)};
}

}  // namespace astra::syscalls
