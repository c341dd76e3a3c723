// Clocks by id.
#include "guest_kernel/sched/clocks.hpp"

#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra::sched {

namespace {

constexpr u64 kLatest = kForever - 1;

u64 add_capped(u64 a, u64 b) { return b > kLatest - a ? kLatest : a + b; }

Result<u64> cpu_time(const CpuClock& clock) {
    if (clock.thread) {
        Ref<Thread> thread = clock.id ? find_thread(clock.id) : Ref<Thread>(current());
        // Only the caller's own threads, as Linux.
        if (!thread || &thread->process() != &current_process()) return fail(Errno::kEINVAL);
        return thread->cpu_time_ns();
    }
    Ref<Process> process = clock.id ? find_process(clock.id) : Ref<Process>(current_process());
    if (!process) return fail(Errno::kEINVAL);
    return process->cpu_time_ns();
}

}  // namespace

bool is_wall_clock(int clock) {
    return clock == kClockRealtime || clock == kClockRealtimeCoarse || clock == kClockRealtimeAlarm ||
           clock == kClockTai;
}

bool is_timer_clock(int clock) {
    return clock == kClockRealtime || clock == kClockMonotonic || clock == kClockBoottime ||
           clock == kClockTai || clock == kClockRealtimeAlarm || clock == kClockBoottimeAlarm;
}

Result<CpuClock> parse_cpu_clock(int clock) {
    if (clock == kClockProcessCpu) return CpuClock{0, false};
    if (clock == kClockThreadCpu) return CpuClock{0, true};
    // linux/posix-timers.h: ~id, then a bit for threads, then which kind of CPU time (0 to 2).
    if (clock >= 0 || (clock & 3) == 3) return fail(Errno::kEINVAL);
    return CpuClock{~(clock >> 3), (clock & 4) != 0};
}

Result<u64> clock_now(int clock) {
    switch (clock) {
        case kClockMonotonic:
        case kClockMonotonicRaw:
        case kClockMonotonicCoarse:
        case kClockBoottime:
        case kClockBoottimeAlarm: return arch::now_ns();
        default:
            if (is_wall_clock(clock)) return wall_now_ns();
            return cpu_time(TRY(parse_cpu_clock(clock)));
    }
}

abi::TimeSpec to_timespec(u64 ns) {
    return {static_cast<i64>(ns / kNsPerSecond), static_cast<i64>(ns % kNsPerSecond)};
}

abi::TimeVal to_timeval(u64 ns) {
    return {static_cast<i64>(ns / kNsPerSecond), static_cast<i64>(ns % kNsPerSecond / 1000)};
}

Result<u64> to_ns(const abi::TimeSpec& time) {
    if (time.sec < 0 || time.nsec < 0 || time.nsec >= static_cast<i64>(kNsPerSecond))
        return fail(Errno::kEINVAL);
    if (static_cast<u64>(time.sec) > kLatest / kNsPerSecond) return kLatest;
    return add_capped(static_cast<u64>(time.sec) * kNsPerSecond, static_cast<u64>(time.nsec));
}

Result<u64> to_ns(const abi::TimeVal& time) {
    if (time.usec < 0 || time.usec >= 1'000'000) return fail(Errno::kEINVAL);
    return to_ns(abi::TimeSpec{time.sec, time.usec * 1000});
}

u64 deadline_after(u64 ns) { return add_capped(arch::now_ns(), ns); }

u64 deadline_at(int clock, u64 ns) {
    if (!is_wall_clock(clock)) return ns < kLatest ? ns : kLatest;
    u64 now = wall_now_ns();
    return deadline_after(ns > now ? ns - now : 0);
}

}  // namespace astra::sched
