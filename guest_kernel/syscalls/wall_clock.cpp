// Setting and tuning the wall clock: clock_settime(2), settimeofday(2), adjtimex(2).
#include "guest_kernel/sched/wall_clock.hpp"

#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/sched/scheduler.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

/// adjtimex(2)'s modes and status bits (linux/timex.h).
enum Mode : u32 {
    kMaxError = 4,
    kEstimatedError = 8,
    kStatus = 0x10,
    kTimeConstant = 0x20,
    kSetOffset = 0x100,
    kMicro = 0x1000,
    kNano = 0x2000,
};
enum Status : i32 { kUnsynchronised = 0x40, kInNanoseconds = 0x2000, kReadOnly = 0xff00 };
constexpr int kTimeOk = 0, kTimeError = 5;

// What a time daemon tells and asks. The clock keeps the machine's own rate: nothing here slews it.
struct Discipline {
    i64 maximum_error = 16'000'000, estimated_error = 16'000'000;
    i32 status = kUnsynchronised;
    i64 time_constant = 2;
};
sched::SpinLocked<Discipline, sched::Rank::Log> g_discipline;

bool may_set_time() { return sched::current_process().credentials().can(sched::kCapSysTime); }

// ADJ_SETOFFSET's step, which may be negative: whole seconds and a part that is always positive.
Result<i64> step_of(const Timex& wanted) {
    i64 unit = wanted.modes & kNano ? 1 : 1000, per_second = static_cast<i64>(sched::kNsPerSecond) / unit;
    if (wanted.time.usec < 0 || wanted.time.usec >= per_second) return fail(Errno::kEINVAL);
    constexpr i64 kMost = 1ll << 32;
    if (wanted.time.sec > kMost || wanted.time.sec < -kMost) return fail(Errno::kEINVAL);
    return wanted.time.sec * static_cast<i64>(sched::kNsPerSecond) + wanted.time.usec * unit;
}

void report(const Discipline& now, Timex& out) {
    u64 wall = sched::wall_now_ns();
    u64 part = wall % sched::kNsPerSecond;
    out.offset = out.freq = 0;
    out.maxerror = now.maximum_error;
    out.esterror = now.estimated_error;
    out.status = now.status;
    out.constant = now.time_constant;
    out.precision = 1;
    out.tolerance = 500 << 16;  // ppm, scaled
    out.time = {static_cast<i64>(wall / sched::kNsPerSecond),
                static_cast<i64>(now.status & kInNanoseconds ? part : part / 1000)};
    out.tick = 10'000;
    out.ppsfreq = out.jitter = out.stabil = out.jitcnt = out.calcnt = out.errcnt = out.stbcnt = 0;
    out.shift = out.tai = 0;
}

Result<void> apply(const Timex& wanted) {
    constexpr u32 kKnown =
        kMaxError | kEstimatedError | kStatus | kTimeConstant | kSetOffset | kMicro | kNano;
    if (!may_set_time()) return fail(Errno::kEPERM);
    if (wanted.modes & ~kKnown) return fail(Errno::kENOTSUP);  // slewing
    if (wanted.modes & kSetOffset)
        TRY(sched::set_wall_clock(sched::wall_now_ns() + static_cast<u64>(TRY(step_of(wanted)))));
    auto now = g_discipline.lock();
    if (wanted.modes & kMaxError) now->maximum_error = wanted.maxerror;
    if (wanted.modes & kEstimatedError) now->estimated_error = wanted.esterror;
    if (wanted.modes & kTimeConstant) now->time_constant = wanted.constant;
    if (wanted.modes & kStatus) now->status = (now->status & kReadOnly) | (wanted.status & ~i32{kReadOnly});
    if (wanted.modes & kNano) now->status |= kInNanoseconds;
    if (wanted.modes & kMicro) now->status &= ~i32{kInNanoseconds};
    return {};
}

}  // namespace

SyscallResult sys_clock_settime(int clock, In<TimeSpec> tp) {
    if (clock < 0) {
        TRY(sched::clock_now(clock));
        return fail(Errno::kEPERM);  // CPU time
    }
    if (clock != sched::kClockRealtime) return fail(Errno::kEINVAL);
    u64 wanted = TRY(sched::to_ns(TRY(mm::read(tp))));
    if (!may_set_time()) return fail(Errno::kEPERM);
    TRY(sched::set_wall_clock(wanted));
    return 0;
}

// The time zone is not kept, as nothing looks at it: times in memory are UTC.
SyscallResult sys_settimeofday(In<TimeVal> tv, In<TimeZone> tz) {
    u64 wanted = 0;
    if (!tv.is_null()) wanted = TRY(sched::to_ns(TRY(mm::read(tv))));
    TimeZone zone{};
    if (!tz.is_null()) zone = TRY(mm::read(tz));
    constexpr i32 kMostMinutes = 15 * 60;
    if (!may_set_time()) return fail(Errno::kEPERM);
    if (zone.minutes_west > kMostMinutes || zone.minutes_west < -kMostMinutes) return fail(Errno::kEINVAL);
    if (!tv.is_null()) TRY(sched::set_wall_clock(wanted));
    return 0;
}

SyscallResult sys_clock_adjtime(int clock, InOut<Timex> buf) {
    Timex timex = TRY(mm::read(buf));
    if (clock != sched::kClockRealtime) {
        if (clock >= 0) TRY(sched::clock_now(clock));
        return fail(Errno::kENOTSUP);
    }
    if (timex.modes) TRY(apply(timex));
    Discipline now = *g_discipline.lock();
    report(now, timex);
    TRY(mm::write(buf, timex));
    return now.status & kUnsynchronised ? kTimeError : kTimeOk;
}

SyscallResult sys_adjtimex(InOut<Timex> buf) { return sys_clock_adjtime(sched::kClockRealtime, buf); }

}  // namespace astra::syscalls
