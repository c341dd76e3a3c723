// Once, OnceLock and Barrier: doing something exactly once, and waiting for each other.
#pragma once
#include <optional>
#include <utility>

#include "guest_runtime/sync/condvar.hpp"

namespace astra::sync {

/// Runs one function once, whoever comes first; the others wait until it is done.
///     static sync::Once once;
///     once.call_once([] { prepare(); });
class Once {
  public:
    constexpr Once() = default;
    template <class F>
    void call_once(F f) {
        if (is_completed()) return;
        while (!begin())
            if (is_completed()) return;
        f();
        state_.store(kDone, std::memory_order_release);
        futex_wake_all(state_);
    }
    [[nodiscard]] bool is_completed() const { return state_.load(std::memory_order_acquire) == kDone; }

  private:
    enum : u32 { kNew, kRunning, kDone };
    /// True for the one that shall run it; false after waiting for somebody who did or gave up.
    bool begin() {
        u32 state = kNew;
        if (state_.compare_exchange_strong(state, kRunning, std::memory_order_acquire)) return true;
        if (state == kRunning) futex_wait(state_, kRunning);
        return false;
    }
    std::atomic<u32> state_{kNew};
};

/// A value that is set once and then read without a lock.
template <class T>
class OnceLock {
  public:
    constexpr OnceLock() = default;
    /// Null until it is set.
    [[nodiscard]] const T* get() const { return once_.is_completed() ? &*value_ : nullptr; }
    /// Sets it; false when it was set already (`value` is then dropped).
    bool set(T value) {
        bool mine = false;
        once_.call_once([&] { value_.emplace(std::move(value)), mine = true; });
        return mine;
    }
    /// The value, made by `f()` if nobody has set it.
    template <class F>
    const T& get_or_init(F f) {
        once_.call_once([&] { value_.emplace(f()); });
        return *value_;
    }

  private:
    Once once_;
    std::optional<T> value_;
};

/// Holds threads back until `count` of them have come; then it can be used again.
class Barrier {
  public:
    explicit Barrier(usize count) : state_(State{count, 0, 0}) {}
    /// Waits for the others. True for exactly one of them (Rust's is_leader).
    bool wait() {
        auto s = state_.lock();
        if (++s->here < s->count) {
            usize round = s->round;
            changed_.wait_while(s, [&](State& now) { return now.round == round; });
            return false;
        }
        s->here = 0;
        s->round++;
        changed_.notify_all();
        return true;
    }

  private:
    struct State {
        usize count, here, round;
    };
    Mutex<State> state_;
    Condvar changed_;
};

}  // namespace astra::sync
