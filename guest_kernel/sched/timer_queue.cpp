// The timer events' pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986).
#include "guest_kernel/sched/timer_queue.hpp"

namespace astra::sched {

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

}  // namespace astra::sched
