// Wait queues: the one way to sleep until something happens. Lost wake-ups are impossible by construction: a
// waiter is on the queue before it checks its condition, and wake() takes the same lock.
#pragma once
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::sched {

class Thread;
class WaitQueue;

inline constexpr u64 kForever = ~u64{0};

/// One entry of a wait queue: by default wakes a thread; poll and epoll override `notify`.
struct Waiter {
    ListNode node;
    WaitQueue* queue = nullptr;
    Thread* thread = nullptr;
    /// Runs under the queue's spin lock, possibly in interrupt context, with the events passed to wake().
    void (*notify)(Waiter&, u32 events) = nullptr;
    bool exclusive = false;
};

enum class Sleep : u8 {
    Interruptible,  // any unblocked signal ends it
    Killable,       // only a fatal signal does
    Uninterruptible,
};

class WaitQueue {
  public:
    /// Sleeps until `ready()` (evaluated without locks held by this queue; it takes its own) is true.
    /// Errors: kRestartSys when a signal ends it; ETIMEDOUT at `deadline_ns` (arch::now_ns time).
    template <class Ready>
    Result<void> wait(Ready&& ready, Sleep how = Sleep::Interruptible, u64 deadline_ns = kForever) {
        for (;;) {
            if (ready()) return {};
            Waiter waiter;
            prepare(waiter, how);
            if (ready()) return finish(waiter), Result<void>{};
            Result<void> slept = sleep(waiter, deadline_ns);
            if (!slept) return ready() ? Result<void>{} : slept;
        }
    }
    /// Wakes every non-exclusive waiter and at most one exclusive one. `events`: poll(2) bits. Any context.
    void wake(u32 events = 0);
    /// Wakes exclusive waiters too, all of them.
    void wake_all(u32 events = 0);
    /// As wake, for a `notify` to call: another queue's lock is held. Queues must not notify each other in
    /// circles.
    void wake_from_notify(u32 events);
    /// For poll and epoll: registers a waiter whose `notify` (or `thread`) is set; until remove() returns it
    /// may be called.
    void add(Waiter& waiter);
    void remove(Waiter& waiter);

    /// The steps of wait(), for callers with a lock protocol of their own (futex): enqueue and mark the
    /// current thread sleeping; then either finish (changed our mind) or sleep.
    void prepare(Waiter& waiter, Sleep how);
    void finish(Waiter& waiter);
    /// Gives up the CPU until woken; dequeues. Errors as wait().
    Result<void> sleep(Waiter& waiter, u64 deadline_ns);

  private:
    using Waiters = List<Waiter, &Waiter::node>;
    static void wake_some(Waiters& waiters, u32 events);
    SpinLocked<Waiters, Rank::WaitQueue> waiters_;
};

}  // namespace astra::sched
