// Timers of processes: arming, expiring, and starting the next period.
#include "guest_kernel/sched/process_timers.hpp"

#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

// A timer whose signal is ignored still counts its periods; not more often than this.
constexpr u64 kLeastIgnoredPeriodNs = 1'000'000;
// CPU timers are not looked at more often than this, as by Linux with 1000 ticks a second: a look takes tens
// of microseconds where setting the CPU's timer is an exit.
constexpr u64 kLeastCpuWatchNs = 1'000'000;

u64 user_time_ns(Process& process) {
    u64 total = process.cpu_time_ns(), system = 0;
    auto signals = process.signals.lock();
    system = signals->dead_system_ns;
    for (Thread& thread : signals->threads) system += thread.system_ns;
    return total > system ? total - system : 0;
}

// Moves the expiry past `now`, period by period; returns how many were missed.
u64 skip_periods(PosixTimer& timer, u64 now) {
    if (!timer.interval_ns || now < timer.expiry_ns) return 0;
    u64 missed = (now - timer.expiry_ns) / timer.interval_ns;
    timer.expiry_ns += (missed + 1) * timer.interval_ns;
    return missed;
}

// A timer on a CPU clock has started to wait: CPUs that run the process's threads right now watch it from now
// on.
void watch_from_now(PosixTimer& timer) {
    if (!is_cpu_clock(timer.clock)) return;
    auto signals = timer.process->signals.lock();
    for (Thread& thread : signals->threads) thread.raise_work(kWorkReschedule);
}

void start_waiting(PosixTimer& timer, u64 not_before) {
    if (!is_cpu_clock(timer.clock)) {
        u64 deadline = timer.follows_wall ? deadline_at(kClockRealtime, timer.expiry_ns) : timer.expiry_ns;
        arm(timer, deadline > not_before ? deadline : not_before, timer.follows_wall);
        return;
    }
    timer.process->cpu_timers.armed.lock()->push_back(timer);
    timer.process->cpu_timers.count++;
}

// Disarms; afterwards `expire` is not running.
void stop_waiting(PosixTimer& timer) {
    cancel(timer);
    if (!is_cpu_clock(timer.clock)) return;
    auto armed = timer.process->cpu_timers.armed.lock();
    if (!timer.cpu_node.linked()) return;
    armed->remove(timer);
    timer.process->cpu_timers.count--;
}

// RLIMIT_CPU: SIGXCPU every second from the soft limit on, SIGKILL at the hard one. Goes on for ever.
bool enforce_cpu_limit(PosixTimer& timer) {
    u64 hard = timer.process->limit_pair(kLimitCpu).maximum;
    bool over = hard != kUnlimited && timer_now(timer) >= hard * kNsPerSecond;
    send_signal(*timer.process, kernel_signal(over ? kSigKill : kSigXcpu));
    timer.expiry_ns += kNsPerSecond;
    return !over;
}

// The timer's time has come. Interrupt context; it is not waiting any more. True: it is to wait again, for
// the expiry it has now.
bool expire(PosixTimer& timer) {
    if (timer.notify == TimerNotify::CpuLimit) return enforce_cpu_limit(timer);
    timer.expired = true;
    if (timer.notify == TimerNotify::Nobody) {
        if (timer.thread) wake_thread(*timer.thread);  // sleep_on_cpu_clock
        return false;
    }
    Thread* target = timer.notify == TimerNotify::Thread ? timer.thread.get() : nullptr;
    if (try_send_signal(*timer.process, target, timer.info) || !timer.interval_ns) return false;
    timer.expired = false;
    skip_periods(timer, timer_now(timer));
    return true;
}

void expire_event(TimerEvent& event) {
    auto& timer = static_cast<PosixTimer&>(event);
    bool early = timer.follows_wall && timer_now(timer) < timer.expiry_ns;
    if (early || expire(timer)) start_waiting(timer, arch::now_ns() + kLeastIgnoredPeriodNs);
}

// Periods of a timer whose signal was taken, and the next one's start.
void next_period(PosixTimer& timer) {
    if (!timer.expired) return;
    stop_waiting(timer);  // waits for the callback that sent the signal to end
    timer.expired = false;
    timer.overrun = 0;
    if (!timer.interval_ns) {
        timer.expiry_ns = 0;
        return;
    }
    u64 missed = skip_periods(timer, timer_now(timer));
    constexpr u64 kMost = 0x7fff'ffff;
    timer.overrun = static_cast<i32>(missed < kMost ? missed : kMost);
    start_waiting(timer, 0);
    watch_from_now(timer);
}

u64 time_left(PosixTimer& timer) {
    u64 now = timer_now(timer);
    if (!timer.expiry_ns) return 0;
    if (timer.expiry_ns > now) return timer.expiry_ns - now;
    if (!timer.interval_ns) return timer.expired ? 0 : 1;
    return timer.interval_ns - (now - timer.expiry_ns) % timer.interval_ns;
}

}  // namespace

PosixTimer::~PosixTimer() {
    if (process) stop_waiting(*this);
}

u64 timer_now(const PosixTimer& timer) {
    switch (timer.clock) {
        case TimerClock::Monotonic: break;
        case TimerClock::Wall: return timer.follows_wall ? wall_now_ns() : arch::now_ns();
        case TimerClock::ProcessCpu: return timer.process->cpu_time_ns();
        case TimerClock::ProcessUser: return user_time_ns(*timer.process);
        case TimerClock::ThreadCpu: return timer.thread->cpu_time_ns();
    }
    return arch::now_ns();
}

void set_timer(PosixTimer& timer, u64 expiry_ns, u64 interval_ns, bool follows_wall) {
    stop_waiting(timer);
    timer.follows_wall = follows_wall;
    timer.fire = expire_event;
    timer.expired = false;
    timer.overrun = 0;
    timer.expiry_ns = expiry_ns;
    timer.interval_ns = interval_ns;
    if (!expiry_ns) return;
    start_waiting(timer, 0);
    watch_from_now(timer);
}

TimerValue timer_value(PosixTimer& timer) { return {time_left(timer), timer.interval_ns}; }

void timer_signal_taken(abi::SigInfo& info) {
    if (info.code != kSiTimer && info.code != kSiKernel) return;
    auto timers = current_process().timers.lock();
    if (info.code == kSiTimer) {
        auto id = static_cast<usize>(info.timer.timer);
        if (id >= timers->posix.size() || !timers->posix[id]) return;  // deleted meanwhile
        next_period(*timers->posix[id]);
        info.timer.overrun = timers->posix[id]->overrun;
        return;
    }
    for (Own<PosixTimer>& timer : timers->interval)
        if (timer && timer->info.signo == info.signo) next_period(*timer);
}

Result<void> sleep_on_cpu_clock(Process& process, u64 until_ns) {
    auto timer = TRY(make_own<PosixTimer>());
    timer->process = &process;
    timer->clock = TimerClock::ProcessCpu;
    timer->notify = TimerNotify::Nobody;
    timer->thread = Ref<Thread>(current());
    {
        auto timers = process.timers.lock();
        set_timer(*timer, until_ns ? until_ns : 1, 0);
    }
    for (;;) {
        begin_sleep(Sleep::Interruptible);
        if (timer_now(*timer) >= until_ns) {
            cancel_sleep();
            return {};
        }
        TRY(block(kForever));
    }
}

Result<void> watch_cpu_limit(Process& process) {
    u64 seconds = process.limit(kLimitCpu);
    auto timers = process.timers.lock();
    if (!timers->cpu_limit) {
        if (seconds == kUnlimited) return {};
        timers->cpu_limit = TRY(make_own<PosixTimer>());
        timers->cpu_limit->process = &process;
        timers->cpu_limit->clock = TimerClock::ProcessCpu;
        timers->cpu_limit->notify = TimerNotify::CpuLimit;
    }
    constexpr u64 kMost = kForever / kNsPerSecond - 1;
    u64 expiry = seconds == kUnlimited ? 0 : (seconds < kMost ? seconds : kMost) * kNsPerSecond;
    set_timer(*timers->cpu_limit, expiry == 0 && seconds == 0 ? 1 : expiry, 0);
    return {};
}

void drop_timers(Process& process, bool interval_timers_too) {
    auto timers = process.timers.lock();
    timers->posix.clear();
    if (!interval_timers_too) return;
    for (Own<PosixTimer>& timer : timers->interval) timer = Own<PosixTimer>();
    timers->cpu_limit = Own<PosixTimer>();
}

void check_cpu_timers(TimerEvent&) {
    Thread& thread = current();
    if (thread.is_kernel_thread() || !thread.process().cpu_timers.count) return;
    CpuTimers& timers = thread.process().cpu_timers;
    {
        auto armed = timers.armed.lock();
        List<PosixTimer, &PosixTimer::cpu_node>
            again;  // not to be looked at twice, however short their period
        for (PosixTimer& timer : *armed) {
            if (timer_now(timer) < timer.expiry_ns) continue;
            armed->remove(timer);
            if (expire(timer))
                again.push_back(timer);
            else
                timers.count--;
        }
        while (PosixTimer* timer = again.pop_front()) armed->push_back(*timer);
    }
    watch_cpu_timers(thread);
}

void watch_cpu_timers(Thread& thread) {
    if (thread.is_kernel_thread() || !thread.process().cpu_timers.count) return;
    u64 soonest = kForever;
    {
        auto armed = thread.process().cpu_timers.armed.lock();
        for (PosixTimer& timer : *armed) {
            u64 now = timer_now(timer);
            u64 left = timer.expiry_ns > now ? timer.expiry_ns - now : 0;
            if (left < soonest) soonest = left;
        }
    }
    u64 now = arch::now_ns();
    if (soonest >= kForever - now) return;
    arm(this_cpu().cpu_timer, now + (soonest > kLeastCpuWatchNs ? soonest : kLeastCpuWatchNs));
}

}  // namespace astra::sched
