// Condvar: waiting, with a Mutex given back meanwhile, until somebody says that something changed.
#pragma once
#include "guest_runtime/sync/mutex.hpp"
#include "guest_runtime/time/time.hpp"

namespace astra::sync {

/// A counter of notifications that waiters sleep on. All waiters of one Condvar must use the same Mutex.
///     auto guard = ready.lock();
///     condvar.wait_while(guard, [](bool& ready) { return !ready; });
class Condvar {
  public:
    constexpr Condvar() = default;
    Condvar(const Condvar&) = delete;

    /// Gives the lock back, sleeps until notified (or without a reason), takes the lock again.
    template <class T>
    void wait(MutexGuard<T>& guard) {
        wait_for(guard, {});
    }
    /// Waits for as long as `condition(data)` holds.
    template <class T, class F>
    void wait_while(MutexGuard<T>& guard, F condition) {
        while (condition(*guard)) wait(guard);
    }
    /// As wait, but not longer than `timeout`; false when it passed.
    template <class T>
    bool wait_timeout(MutexGuard<T>& guard, time::Duration timeout) {
        return wait_for(guard, timeout);
    }
    /// As wait_while; false when `timeout` passed and the condition still holds.
    template <class T, class F>
    bool wait_timeout_while(MutexGuard<T>& guard, time::Duration timeout, F condition) {
        auto start = time::Instant::now();
        while (condition(*guard)) {
            auto passed = start.elapsed();
            if (passed >= timeout) return false;
            wait_for(guard, timeout - passed);
        }
        return true;
    }
    void notify_one() {
        count_.fetch_add(1, std::memory_order_relaxed);
        futex_wake(count_);
    }
    void notify_all() {
        count_.fetch_add(1, std::memory_order_relaxed);
        futex_wake_all(count_);
    }

  private:
    template <class T>
    bool wait_for(MutexGuard<T>& guard, std::optional<time::Duration> timeout) {
        Mutex<T>& mutex = guard.mutex();
        u32 seen = count_.load(std::memory_order_relaxed);
        mutex.release();
        bool woken = futex_wait(count_, seen, timeout);
        mutex.raw_.lock();
        mutex.owner_.store(thread::identity(), std::memory_order_relaxed);
        return woken;
    }
    std::atomic<u32> count_{0};
};

}  // namespace astra::sync
