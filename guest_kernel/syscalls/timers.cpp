// Timers that send signals: alarm(2), setitimer(2), timer_create(2).
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

using sched::PosixTimer, sched::ProcessTimers, sched::TimerClock, sched::TimerNotify;

constexpr int kAbsoluteTime = 1;  // TIMER_ABSTIME
/// SIGEV_* (sigevent(7)); SIGEV_THREAD is libc's and arrives as a signal.
enum : int { kEventSignal, kEventNone, kEventThread, kEventThreadId = 4 };

struct IntervalKind {
    TimerClock clock;
    int signal;
};
constexpr IntervalKind kIntervalKinds[sched::kIntervalTimers] = {
    {TimerClock::Monotonic, sched::kSigAlrm},
    {TimerClock::ProcessUser, sched::kSigVtalrm},
    {TimerClock::ProcessCpu, sched::kSigProf},
};

Result<PosixTimer*> interval_timer(ProcessTimers& timers, int which) {
    Own<PosixTimer>& timer = timers.interval[which];
    if (!timer) {
        timer = TRY(make_own<PosixTimer>());
        timer->process = &sched::current_process();
        timer->clock = kIntervalKinds[which].clock;
        timer->info = sched::kernel_signal(kIntervalKinds[which].signal);
    }
    return timer.get();
}

ITimerVal to_itimerval(const sched::TimerValue& value) {
    return {sched::to_timeval(value.interval_ns), sched::to_timeval(value.left_ns)};
}
ITimerSpec to_itimerspec(const sched::TimerValue& value) {
    return {sched::to_timespec(value.interval_ns), sched::to_timespec(value.left_ns)};
}

// Sets an interval timer, relative; returns what it was.
Result<sched::TimerValue> exchange_interval(int which, u64 value_ns, u64 interval_ns) {
    auto timers = sched::current_process().timers.lock();
    PosixTimer* timer = TRY(interval_timer(*timers, which));
    sched::TimerValue old = sched::timer_value(*timer);
    sched::set_timer(*timer, value_ns ? sched::timer_now(*timer) + value_ns : 0, interval_ns);
    return old;
}

Result<PosixTimer*> find_timer(ProcessTimers& timers, int id) {
    if (id < 0 || static_cast<usize>(id) >= timers.posix.size() || !timers.posix[id])
        return fail(Errno::kEINVAL);
    return timers.posix[id].get();
}

/// How many signals may still be queued. Every timer keeps room for its own (getrlimit(2),
/// RLIMIT_SIGPENDING).
u64 signals_left() {
    auto signals = sched::current_process().signals.lock();
    u64 limit = signals->limits[sched::kLimitSigPending].current, queued = signals->pending.queued;
    return limit > queued ? limit - queued : 0;
}

/// EAGAIN when there are too many; ENOMEM.
Result<int> free_id(ProcessTimers& timers, u64 most) {
    u64 used = 0;
    for (const Own<PosixTimer>& timer : timers.posix) used += static_cast<bool>(timer);
    if (used >= most) return fail(Errno::kEAGAIN);
    for (usize id = 0; id < timers.posix.size(); id++)
        if (!timers.posix[id]) return static_cast<int>(id);
    if (timers.posix.size() == ProcessTimers::kMost) return fail(Errno::kEAGAIN);
    TRY(timers.posix.push_back(Own<PosixTimer>()));
    return static_cast<int>(timers.posix.size() - 1);
}

Result<void> choose_clock(PosixTimer& timer, int clock) {
    if (sched::is_timer_clock(clock)) {
        timer.clock = sched::is_wall_clock(clock) ? TimerClock::Wall : TimerClock::Monotonic;
        return {};
    }
    sched::CpuClock cpu = TRY(sched::parse_cpu_clock(clock));
    timer.clock = cpu.thread ? TimerClock::ThreadCpu : TimerClock::ProcessCpu;
    sched::Process& process = sched::current_process();
    if (!cpu.thread) return cpu.id == 0 || cpu.id == process.pid() ? Result<void>{} : fail(Errno::kEINVAL);
    timer.thread = cpu.id ? sched::find_thread(cpu.id) : Ref<sched::Thread>(sched::current());
    bool ours = timer.thread && &timer.thread->process() == &process;
    return ours ? Result<void>{} : fail(Errno::kEINVAL);
}

Result<void> choose_notification(PosixTimer& timer, const SigEvent& event) {
    timer.info.signo = event.signo;
    timer.info.code = sched::kSiTimer;
    timer.info.timer.value = event.value;
    if (event.notify == kEventNone) {
        timer.notify = TimerNotify::Nobody;
        return {};
    }
    if (event.signo < 1 || event.signo > sched::kSignals) return fail(Errno::kEINVAL);
    if (event.notify == kEventSignal || event.notify == kEventThread) return {};
    if (event.notify != kEventThreadId) return fail(Errno::kEINVAL);
    Ref<sched::Thread> target = sched::find_thread(event.tid);
    if (!target || &target->process() != &sched::current_process()) return fail(Errno::kEINVAL);
    // The clock's thread and the notified one are the same in every use there is.
    if (timer.thread && timer.thread != target) return fail(Errno::kEINVAL);
    timer.thread = std::move(target);
    timer.notify = TimerNotify::Thread;
    return {};
}

}  // namespace

SyscallResult sys_alarm(u32 seconds) {
    sched::TimerValue old = TRY(exchange_interval(sched::kItimerReal, seconds * sched::kNsPerSecond, 0));
    // Rounded, but an alarm that is set is never 0 seconds away.
    u64 left = (old.left_ns + sched::kNsPerSecond / 2) / sched::kNsPerSecond;
    return static_cast<i64>(old.left_ns && !left ? 1 : left);
}

SyscallResult sys_setitimer(int which, In<ITimerVal> value, Out<ITimerVal> old) {
    if (which < 0 || which >= sched::kIntervalTimers) return fail(Errno::kEINVAL);
    ITimerVal wanted = value.is_null() ? ITimerVal{} : TRY(mm::read(value));
    u64 value_ns = TRY(sched::to_ns(wanted.value)), interval_ns = TRY(sched::to_ns(wanted.interval));
    sched::TimerValue previous = TRY(exchange_interval(which, value_ns, interval_ns));
    TRY(mm::write_if(old, to_itimerval(previous)));
    return 0;
}

SyscallResult sys_getitimer(int which, Out<ITimerVal> value) {
    if (which < 0 || which >= sched::kIntervalTimers) return fail(Errno::kEINVAL);
    sched::TimerValue now;
    {
        auto timers = sched::current_process().timers.lock();
        if (timers->interval[which]) now = sched::timer_value(*timers->interval[which]);
    }
    TRY(mm::write(value, to_itimerval(now)));
    return 0;
}

SyscallResult sys_timer_create(int clock, In<SigEvent> event, Out<int> timer) {
    SigEvent wanted{};
    wanted.signo = sched::kSigAlrm;
    if (!event.is_null()) wanted = TRY(mm::read(event));
    auto created = TRY(make_own<PosixTimer>());
    TRY(choose_clock(*created, clock));
    TRY(choose_notification(*created, wanted));
    created->process = &sched::current_process();
    u64 most = signals_left();
    int id;
    {
        auto timers = sched::current_process().timers.lock();
        id = TRY(free_id(*timers, most));
        created->info.timer.timer = id;
        if (event.is_null()) created->info.timer.value = static_cast<u64>(id);
        timers->posix[id] = std::move(created);
    }
    Result<void> told = mm::write(timer, id);
    if (told) return 0;
    sched::current_process().timers.lock()->posix[id] = Own<PosixTimer>();
    return fail(told.error());
}

SyscallResult sys_timer_settime(int id, int flags, In<ITimerSpec> value, Out<ITimerSpec> old) {
    if (value.is_null()) return fail(Errno::kEINVAL);
    ITimerSpec wanted = TRY(mm::read(value));
    u64 value_ns = TRY(sched::to_ns(wanted.value)), interval_ns = TRY(sched::to_ns(wanted.interval));
    sched::TimerValue previous;
    {
        auto timers = sched::current_process().timers.lock();
        PosixTimer* timer = TRY(find_timer(*timers, id));
        previous = sched::timer_value(*timer);
        bool absolute = flags & kAbsoluteTime;
        sched::set_timer(*timer, 0, 0);  // from now on it counts from now
        u64 expiry = value_ns && !absolute ? sched::timer_now(*timer) + value_ns : value_ns;
        sched::set_timer(*timer, expiry, interval_ns, absolute && timer->clock == TimerClock::Wall);
    }
    TRY(mm::write_if(old, to_itimerspec(previous)));
    return 0;
}

SyscallResult sys_timer_gettime(int id, Out<ITimerSpec> value) {
    sched::TimerValue now;
    {
        auto timers = sched::current_process().timers.lock();
        now = sched::timer_value(*TRY(find_timer(*timers, id)));
    }
    TRY(mm::write(value, to_itimerspec(now)));
    return 0;
}

SyscallResult sys_timer_getoverrun(int id) {
    auto timers = sched::current_process().timers.lock();
    return TRY(find_timer(*timers, id))->overrun;
}

SyscallResult sys_timer_delete(int id) {
    auto timers = sched::current_process().timers.lock();
    TRY(find_timer(*timers, id));
    timers->posix[id] = Own<PosixTimer>();
    return 0;
}

}  // namespace astra::syscalls
