// The sleeping mutex's contended paths: a first come, first served hand-over.
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

struct Mutex::Waiter {
    Thread* thread;
    Waiter* next = nullptr;
    std::atomic<bool> granted{false};
};

u64 Mutex::self() {
    constexpr u64 kBootCode = 2;
    return scheduler_running() ? reinterpret_cast<u64>(&current()) : kBootCode;
}

void Mutex::acquire_slowly() {
    bool interrupts = guard_.acquire();
    u64 seen = state_.load(std::memory_order_relaxed);
    for (;;) {
        if (seen == 0) {
            if (!state_.compare_exchange_weak(seen, self(), std::memory_order_acquire)) continue;
            guard_.release(interrupts);
            return;
        }
        if (seen & kContended || state_.compare_exchange_weak(seen, seen | kContended)) break;
    }
    Waiter waiter{&current()};
    (last_ ? last_->next : first_) = &waiter;
    last_ = &waiter;
    guard_.release(interrupts);
    for (;;) {
        begin_sleep(Sleep::Uninterruptible);
        if (waiter.granted.load(std::memory_order_acquire)) break;
        (void)block(kForever);  // uninterruptible, no deadline: it cannot fail
    }
    cancel_sleep();
    // The one who handed over is done with `waiter` and with this mutex once it has let go of the guard.
    guard_.release(guard_.acquire());
}

void Mutex::release_slowly() {
    bool interrupts = guard_.acquire();
    Waiter* next = first_;
    first_ = next->next;
    if (!first_) last_ = nullptr;
    state_.store(reinterpret_cast<u64>(next->thread) | (first_ ? kContended : 0), std::memory_order_release);
    next->granted.store(true, std::memory_order_release);
    wake_thread(*next->thread);
    guard_.release(interrupts);
}

}  // namespace astra::sched
