// The lock under Mutex<T>: one futex word with the specification's three states.
#pragma once
#include <atomic>

#include "guest_runtime/sync/futex.hpp"
#include "guest_runtime/thread/identity.hpp"

namespace astra::sync {

/// 0 unlocked, 1 locked, 2 locked and somebody may sleep (spec, "sync.rs", Phase 2). While the process has
/// one thread there is nobody to race with: it spares the locked instructions, which are most of the cost.
class RawMutex {
  public:
    constexpr RawMutex() = default;
    RawMutex(const RawMutex&) = delete;

    /// Takes the lock if it is free.
    bool try_lock() {
        if (!thread::has_others()) {
            if (is_locked()) return false;
            word_.store(1, std::memory_order_relaxed);
            return true;
        }
        u32 unlocked = 0;
        return word_.compare_exchange_strong(unlocked, 1, std::memory_order_acquire,
                                             std::memory_order_relaxed);
    }
    /// Waits for the lock.
    void lock() {
        if (!try_lock()) [[unlikely]]
            lock_contended();
    }
    /// Gives it back; the caller must hold it.
    void unlock() {
        if (!thread::has_others())
            word_.store(0, std::memory_order_relaxed);
        else if (word_.exchange(0, std::memory_order_release) == 2)
            futex_wake(word_);
    }
    [[nodiscard]] bool is_locked() const { return word_.load(std::memory_order_relaxed) != 0; }

  private:
    void lock_contended();
    std::atomic<u32> word_{0};
};

/// Holds a RawMutex for a scope.
class RawGuard {
  public:
    explicit RawGuard(RawMutex& mutex) : mutex_(mutex) { mutex_.lock(); }
    RawGuard(const RawGuard&) = delete;
    ~RawGuard() { mutex_.unlock(); }

  private:
    RawMutex& mutex_;
};

}  // namespace astra::sync
