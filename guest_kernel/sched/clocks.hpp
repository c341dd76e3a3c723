// The clocks of clock_gettime(2), and times as programs give them.
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/result.hpp"

namespace astra::sched {

/// CLOCK_* ids (linux/time.h).
enum ClockId : int {
    kClockRealtime,
    kClockMonotonic,
    kClockProcessCpu,
    kClockThreadCpu,
    kClockMonotonicRaw,
    kClockRealtimeCoarse,
    kClockMonotonicCoarse,
    kClockBoottime,
    kClockRealtimeAlarm,
    kClockBoottimeAlarm,
    kClockTai = 11,
};
/// True for the clocks that show the time of day.
bool is_wall_clock(int clock);
/// True for the clocks that a sleep or a timer can follow on the wall or the monotonic clock.
bool is_timer_clock(int clock);

/// A CPU-time clock's owner: negative ids name processes and threads (pthread_getcpuclockid(3)).
struct CpuClock {
    int id = 0;  // process or thread id; 0: the caller
    bool thread = false;
};
/// Errors: EINVAL when `clock` is no CPU clock.
Result<CpuClock> parse_cpu_clock(int clock);

/// Nanoseconds on `clock`. Errors: EINVAL for an unknown clock or owner.
Result<u64> clock_now(int clock);

inline constexpr u64 kNsPerSecond = 1'000'000'000;
abi::TimeSpec to_timespec(u64 ns);
abi::TimeVal to_timeval(u64 ns);
/// Nanoseconds, at most kForever - 1. Errors: EINVAL when negative or not normalised.
Result<u64> to_ns(const abi::TimeSpec& time);
Result<u64> to_ns(const abi::TimeVal& time);
/// When, in arch::now_ns() time, `ns` from now is; never kForever.
u64 deadline_after(u64 ns);
/// When, in arch::now_ns() time, `clock` (wall or monotonic) will show `ns`.
u64 deadline_at(int clock, u64 ns);

class Process;
/// Sleeps until the threads of `process` have had `until_ns` of CPU time in all. Errors: kRestartSys, ENOMEM.
Result<void> sleep_on_cpu_clock(Process& process, u64 until_ns);

}  // namespace astra::sched
