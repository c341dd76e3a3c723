// The timer events' pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986).
#include "guest_kernel/sched/timer_queue.hpp"

namespace astra::sched {

namespace {

// As far as time goes. 0 would mean no deadline to the hardware timer.
u64 shifted(u64 deadline, i64 by) {
    if (by < 0) return deadline > u64{0} - static_cast<u64>(by) ? deadline + static_cast<u64>(by) : 1;
    return deadline < ~u64{0} - static_cast<u64>(by) ? deadline + static_cast<u64>(by) : ~u64{0} - 1;
}

}  // namespace

TimerEvent* TimerQueue::merge(TimerEvent* a, TimerEvent* b) {
    if (!a) return b;
    if (!b) return a;
    if (b->deadline_ns < a->deadline_ns) {
        TimerEvent* t = a;
        a = b;
        b = t;
    }
    b->previous = a;
    b->sibling = a->child;
    if (a->child) a->child->previous = b;
    a->child = b;
    a->sibling = a->previous = nullptr;
    return a;
}

// Merges a list of siblings pairwise, then the pairs from the last to the first: the two passes give the
// logarithmic bound.
TimerEvent* TimerQueue::merge_siblings(TimerEvent* first) {
    TimerEvent* pairs = nullptr;
    while (first) {
        TimerEvent* a = first;
        TimerEvent* b = a->sibling;
        first = b ? b->sibling : nullptr;
        a->sibling = a->previous = nullptr;
        if (b) b->sibling = b->previous = nullptr;
        TimerEvent* merged = merge(a, b);
        merged->sibling = pairs;
        pairs = merged;
    }
    TimerEvent* root = nullptr;
    while (pairs) {
        TimerEvent* next = pairs->sibling;
        pairs->sibling = nullptr;
        root = merge(root, pairs);
        pairs = next;
    }
    return root;
}

void TimerQueue::insert(TimerEvent& event) {
    event.child = event.sibling = event.previous = nullptr;
    event.armed = true;
    root_ = merge(root_, &event);
}

void TimerQueue::remove(TimerEvent& event) {
    event.armed = false;
    TimerEvent* children = merge_siblings(event.child);
    event.child = nullptr;
    if (root_ == &event) {
        root_ = children;
        return;
    }
    if (event.previous->child == &event)
        event.previous->child = event.sibling;
    else
        event.previous->sibling = event.sibling;
    if (event.sibling) event.sibling->previous = event.previous;
    event.sibling = event.previous = nullptr;
    root_ = merge(root_, children);
}

void TimerQueue::shift_wall(i64 shift_ns) {
    TimerEvent* all = nullptr;
    while (TimerEvent* event = root_) {
        remove(*event);
        event->sibling = all;
        all = event;
    }
    while (TimerEvent* event = all) {
        all = event->sibling;
        event->sibling = nullptr;
        if (event->follows_wall) event->deadline_ns = shifted(event->deadline_ns, shift_ns);
        insert(*event);
    }
}

}  // namespace astra::sched
