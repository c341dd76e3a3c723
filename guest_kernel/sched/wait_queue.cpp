// Wait queues, and the bare steps of sleeping they are made of.
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

bool interrupted(const Thread& thread) {
    switch (thread.sleep_kind) {
        case Sleep::Interruptible: return thread.signal_pending();
        case Sleep::Killable: return thread.kill_pending();
        case Sleep::Uninterruptible: break;
    }
    return false;
}

// Wakes its thread at a deadline.
struct SleepTimer : TimerEvent {
    explicit SleepTimer(Thread& sleeper) : thread(sleeper) {
        fire = [](TimerEvent& event) { wake_thread(static_cast<SleepTimer&>(event).thread); };
    }
    Thread& thread;
};

}  // namespace

// The state is stored before the caller looks at its condition, and wakers look at the state after changing
// the condition; both with full ordering, so one of the two sees the other.
void begin_sleep(Sleep how) {
    Thread& thread = current();
    thread.sleep_kind = how;
    thread.state.store(ThreadState::Sleeping, std::memory_order_seq_cst);
}

void cancel_sleep() { current().state.store(ThreadState::Running, std::memory_order_seq_cst); }

Result<void> block(u64 deadline_ns) {
    Thread& thread = current();
    if (interrupted(thread)) {
        cancel_sleep();
        return fail(Errno::kRestartSys);
    }
    if (deadline_ns == kForever) {
        schedule();
    } else {
        if (deadline_ns <= arch::now_ns()) {
            cancel_sleep();
            return fail(Errno::kETIMEDOUT);
        }
        SleepTimer timer(thread);
        // With others waiting for the CPU, the thread's timer slack (PR_SET_TIMERSLACK) is theirs: a timer
        // nearer than what setting it costs fires before the sleeper has left.
        arm(timer, this_cpu().queued ? deadline_ns + thread.timer_slack_ns : deadline_ns);
        schedule();
        cancel(timer);
        if (deadline_ns <= arch::now_ns()) return fail(Errno::kETIMEDOUT);
    }
    if (interrupted(thread)) return fail(Errno::kRestartSys);
    return {};
}

Result<void> sleep_until(u64 deadline_ns, Sleep how) {
    for (;;) {
        begin_sleep(how);
        Result<void> slept = block(deadline_ns);
        if (slept) continue;  // spurious
        if (slept.error() == Errno::kETIMEDOUT) return {};
        return slept;
    }
}

void WaitQueue::wake_some(Waiters& waiters, u32 events) {
    bool exclusive_woken = false;
    for (Waiter& waiter : waiters) {
        if (waiter.notify)
            waiter.notify(waiter, events);
        else if (!waiter.exclusive)
            wake_thread(*waiter.thread);
        else if (!exclusive_woken)
            exclusive_woken = wake_thread(*waiter.thread);
    }
}

void WaitQueue::wake(u32 events) {
    auto waiters = waiters_.lock();
    wake_some(*waiters, events);
}

void WaitQueue::wake_from_notify(u32 events) {
    auto waiters = waiters_.lock_second();
    wake_some(*waiters, events);
}

void WaitQueue::wake_all(u32 events) {
    auto waiters = waiters_.lock();
    for (Waiter& waiter : *waiters) {
        if (waiter.notify)
            waiter.notify(waiter, events);
        else
            wake_thread(*waiter.thread);
    }
}

void WaitQueue::add(Waiter& waiter) {
    waiter.queue = this;
    waiters_.lock()->push_back(waiter);
}

void WaitQueue::remove(Waiter& waiter) {
    waiters_.lock()->remove(waiter);
    waiter.queue = nullptr;
}

void WaitQueue::prepare(Waiter& waiter, Sleep how) {
    waiter.thread = &current();
    add(waiter);
    begin_sleep(how);
}

void WaitQueue::finish(Waiter& waiter) {
    cancel_sleep();
    remove(waiter);
}

Result<void> WaitQueue::sleep(Waiter& waiter, u64 deadline_ns) {
    Result<void> slept = block(deadline_ns);
    remove(waiter);
    return slept;
}

}  // namespace astra::sched
