// Clocks and sleeping: clock_gettime(2) and its relatives.
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/sched/scheduler.hpp"
#include "guest_kernel/sched/wall_clock.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

constexpr int kAbsoluteTime = 1;  // TIMER_ABSTIME

// Sleeps until `deadline_ns`. A signal leaves what is left in `remain` and makes a restart go on to the same
// deadline.
SyscallResult sleep_relative(u64 deadline_ns, Out<TimeSpec> remain) {
    Result<void> slept = sched::sleep_until(deadline_ns, sched::Sleep::Interruptible);
    if (slept) return 0;
    u64 now = arch::now_ns();
    if (now >= deadline_ns) return 0;
    TRY(mm::write_if(remain, sched::to_timespec(deadline_ns - now)));
    sched::current().restart_deadline_ns = deadline_ns;
    return fail(Errno::kRestartBlock);
}

u64 relative_deadline(u64 ns) {
    u64 restarted = std::exchange(sched::current().restart_deadline_ns, 0);
    return restarted ? restarted : sched::deadline_after(ns);
}

// The process on whose CPU time a sleep with `clock` waits. Errors: EINVAL for the caller's own thread, which
// gets none while it sleeps; ENOTSUP for other clocks.
Result<Ref<sched::Process>> slept_on(int clock) {
    Result<sched::CpuClock> cpu = sched::parse_cpu_clock(clock);
    if (!cpu || (cpu->thread && clock >= 0)) return fail(Errno::kENOTSUP);
    if (cpu->thread)
        return fail(cpu->id == 0 || cpu->id == sched::current().tid() ? Errno::kEINVAL : Errno::kENOTSUP);
    Ref<sched::Process> process =
        cpu->id ? sched::find_process(cpu->id) : Ref<sched::Process>(sched::current_process());
    return process ? Result<Ref<sched::Process>>(std::move(process)) : fail(Errno::kEINVAL);
}

SyscallResult sleep_on_process(sched::Process& process, u64 now_ns, u64 ns, bool absolute,
                               Out<TimeSpec> remain) {
    u64 restarted = absolute ? 0 : std::exchange(sched::current().restart_deadline_ns, 0);
    u64 until = absolute ? ns : restarted ? restarted : now_ns + ns;
    Result<void> slept = sched::sleep_on_cpu_clock(process, until);
    if (slept) return 0;
    if (slept.error() != Errno::kRestartSys) return fail(slept.error());
    if (absolute) return fail(Errno::kRestartNoHand);
    u64 now = process.cpu_time_ns();
    TRY(mm::write_if(remain, sched::to_timespec(until > now ? until - now : 0)));
    sched::current().restart_deadline_ns = until;
    return fail(Errno::kRestartBlock);
}

}  // namespace

SyscallResult sys_clock_gettime(int clock, Out<TimeSpec> tp) {
    u64 now = TRY(sched::clock_now(clock));
    TRY(mm::write(tp, sched::to_timespec(now)));
    return 0;
}

SyscallResult sys_clock_getres(int clock, Out<TimeSpec> res) {
    TRY(sched::clock_now(clock));
    TRY(mm::write_if(res, TimeSpec{0, 1}));
    return 0;
}

SyscallResult sys_gettimeofday(Out<TimeVal> tv, Out<TimeZone> tz) {
    TRY(mm::write_if(tv, sched::to_timeval(sched::wall_now_ns())));
    TRY(mm::write_if(tz, TimeZone{}));
    return 0;
}

SyscallResult sys_time(Out<i64> result) {
    auto now = static_cast<i64>(sched::wall_now_ns() / sched::kNsPerSecond);
    TRY(mm::write_if(result, now));
    return now;
}

SyscallResult sys_nanosleep(In<TimeSpec> request, Out<TimeSpec> remain) {
    u64 ns = TRY(sched::to_ns(TRY(mm::read(request))));
    return sleep_relative(relative_deadline(ns), remain);
}

SyscallResult sys_clock_nanosleep(int clock, int flags, In<TimeSpec> request, Out<TimeSpec> remain) {
    u64 clock_ns = TRY(sched::clock_now(clock));
    if (!sched::is_timer_clock(clock)) {
        Ref<sched::Process> process = TRY(slept_on(clock));
        u64 ns = TRY(sched::to_ns(TRY(mm::read(request))));
        return sleep_on_process(*process, clock_ns, ns, flags & kAbsoluteTime, remain);
    }
    u64 ns = TRY(sched::to_ns(TRY(mm::read(request))));
    if (!(flags & kAbsoluteTime)) return sleep_relative(relative_deadline(ns), remain);
    Result<void> slept = sched::is_wall_clock(clock) ? sched::sleep_until_wall(ns)
                                                     : sched::sleep_until(ns, sched::Sleep::Interruptible);
    return slept ? SyscallResult(0) : fail(Errno::kRestartNoHand);
}

SyscallResult sys_times(Out<Tms> buf) {
    constexpr u64 kTicksPerSecond = 100;  // USER_HZ
    auto ticks = [](const TimeVal& t) { return t.sec * 100 + t.usec / 10'000; };
    sched::Process& process = sched::current_process();
    if (!buf.is_null()) {
        RUsage self = process.resource_usage();
        RUsage children = sched::tree().with([&](sched::ProcessTree&) { return process.children_usage; });
        TRY(mm::write(
            buf, Tms{ticks(self.utime), ticks(self.stime), ticks(children.utime), ticks(children.stime)}));
    }
    return static_cast<i64>(arch::now_ns() / (sched::kNsPerSecond / kTicksPerSecond));
}

}  // namespace astra::syscalls
