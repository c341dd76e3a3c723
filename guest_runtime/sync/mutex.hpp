// Mutex<T>: data that only the holder of the lock can reach.
#pragma once
#include <optional>
#include <source_location>
#include <utility>

#include "guest_runtime/os/panic.hpp"
#include "guest_runtime/sync/raw_mutex.hpp"
#include "guest_runtime/thread/identity.hpp"

namespace astra::sync {

template <class T>
class Mutex;

/// The lock, held: the way to the data, and given back when it dies.
template <class T>
class MutexGuard {
  public:
    MutexGuard(MutexGuard&& o) noexcept : mutex_(std::exchange(o.mutex_, nullptr)) {}
    MutexGuard& operator=(MutexGuard&&) = delete;
    ~MutexGuard() {
        if (mutex_) mutex_->release();
    }
    T& operator*() const { return checked().value_; }
    T* operator->() const { return &checked().value_; }
    /// Whose lock it is.
    [[nodiscard]] Mutex<T>& mutex() const { return checked(); }

  private:
    friend class Mutex<T>;
    explicit MutexGuard(Mutex<T>* mutex) : mutex_(mutex) {}
    Mutex<T>& checked() const {
        assert_that(mutex_, "use of a moved MutexGuard");
        return *mutex_;
    }
    Mutex<T>* mutex_;
};

/// A T behind a lock (futex; not recursive). There is no poisoning: a thread that panics ends the process.
///     sync::Mutex<int> counter(0);
///     *counter.lock() += 1;
template <class T>
class Mutex {
  public:
    template <class... A>
    constexpr explicit Mutex(A&&... a) : value_(std::forward<A>(a)...) {}
    Mutex(const Mutex&) = delete;
    ~Mutex() { assert_that(!raw_.is_locked(), "a locked Mutex was destroyed"); }

    /// Waits for the lock. Panics when the calling thread holds it already: it would wait for ever.
    [[nodiscard]] MutexGuard<T> lock(std::source_location where = std::source_location::current()) {
        if (!raw_.try_lock()) {
            if (owner_.load(std::memory_order_relaxed) == thread::identity())
                panic("a Mutex was locked twice by the same thread", where);
            raw_.lock();
        }
        return took();
    }
    /// The lock if it is free, none otherwise.
    [[nodiscard]] std::optional<MutexGuard<T>> try_lock() {
        if (!raw_.try_lock()) return {};
        return took();
    }
    /// The data without locking: for those who have the Mutex to themselves.
    T& get_mut() { return value_; }

  private:
    friend class MutexGuard<T>;
    friend class Condvar;
    MutexGuard<T> took() {
        owner_.store(thread::identity(), std::memory_order_relaxed);
        return MutexGuard<T>(this);
    }
    void release() {
        owner_.store(0, std::memory_order_relaxed);
        raw_.unlock();
    }
    RawMutex raw_;
    std::atomic<u64> owner_{0};
    T value_;
};

}  // namespace astra::sync
