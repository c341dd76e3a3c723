// Timer events and the queue that orders them: an intrusive pairing heap, so that arming never allocates and
// costs O(1), firing O(log n).
#pragma once
#include <atomic>

#include "guest_kernel/base/types.hpp"

namespace astra::sched {

/// A one-shot callback on some CPU's timer, in interrupt context. The owner keeps it alive until cancelled or
/// fired.
struct TimerEvent {
    u64 deadline_ns = 0;
    void (*fire)(TimerEvent&) = nullptr;
    std::atomic<u32> cpu{0};
    std::atomic<bool> armed{false};
    bool follows_wall = false;  // its deadline moves when the wall clock is set
    // Links of the heap: first child, next sibling, and previous sibling or (for a first child) parent.
    TimerEvent* child = nullptr;
    TimerEvent* sibling = nullptr;
    TimerEvent* previous = nullptr;
};

/// Earliest deadline first. Not locked: the owner's lock covers every call.
class TimerQueue {
  public:
    [[nodiscard]] TimerEvent* first() const { return root_; }
    /// Adds an event that is not queued; sets `armed`.
    void insert(TimerEvent& event);
    /// Takes a queued event out; clears `armed`.
    void remove(TimerEvent& event);
    /// Moves the deadlines of events that follow the wall clock.
    void shift_wall(i64 shift_ns);

  private:
    static TimerEvent* merge(TimerEvent* a, TimerEvent* b);
    static TimerEvent* merge_siblings(TimerEvent* first);
    TimerEvent* root_ = nullptr;
};

}  // namespace astra::sched
