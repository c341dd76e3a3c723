// RwLock<T>: many readers or one writer.
#pragma once
#include <optional>
#include <utility>

#include "guest_runtime/os/panic.hpp"
#include "guest_runtime/sync/futex.hpp"

namespace astra::sync {

/// The lock without data. High bit: a writer holds it; next: a writer waits (new readers queue behind it);
/// the rest: readers (spec, "sync.rs", Key Types).
class RawRwLock {
  public:
    constexpr RawRwLock() = default;
    RawRwLock(const RawRwLock&) = delete;
    bool try_read();
    void read();
    void unlock_read();
    bool try_write();
    void write();
    void unlock_write();
    [[nodiscard]] bool is_locked() const {
        return (state_.load(std::memory_order_relaxed) & ~kWriterWaits) != 0;
    }

  private:
    static constexpr u32 kWriter = u32{1} << 31, kWriterWaits = u32{1} << 30, kReaders = kWriterWaits - 1;
    void sleep(u32 seen);
    void wake();
    std::atomic<u32> state_{0}, sleepers_{0};
};

/// A T behind a RawRwLock. Not recursive: a thread that reads and asks for the lock again may wait for ever.
///     sync::RwLock<Config> config;
///     auto view = config.read();
template <class T>
class RwLock {
    template <bool Writes>
    class Guard {
      public:
        using Value = std::conditional_t<Writes, T, const T>;
        Guard(Guard&& o) noexcept : lock_(std::exchange(o.lock_, nullptr)) {}
        Guard& operator=(Guard&&) = delete;
        ~Guard() {
            if (!lock_) return;
            if constexpr (Writes)
                lock_->raw_.unlock_write();
            else
                lock_->raw_.unlock_read();
        }
        Value& operator*() const { return checked().value_; }
        Value* operator->() const { return &checked().value_; }

      private:
        friend class RwLock;
        explicit Guard(RwLock* lock) : lock_(lock) {}
        RwLock& checked() const {
            assert_that(lock_, "use of a moved RwLock guard");
            return *lock_;
        }
        RwLock* lock_;
    };

  public:
    using ReadGuard = Guard<false>;
    using WriteGuard = Guard<true>;
    template <class... A>
    constexpr explicit RwLock(A&&... a) : value_(std::forward<A>(a)...) {}
    RwLock(const RwLock&) = delete;
    ~RwLock() { assert_that(!raw_.is_locked(), "a locked RwLock was destroyed"); }
    /// Waits until no writer holds the lock or waits for it.
    [[nodiscard]] ReadGuard read() { return raw_.read(), ReadGuard(this); }
    /// Waits until nobody holds the lock.
    [[nodiscard]] WriteGuard write() { return raw_.write(), WriteGuard(this); }
    [[nodiscard]] std::optional<ReadGuard> try_read() {
        if (!raw_.try_read()) return {};
        return ReadGuard(this);
    }
    [[nodiscard]] std::optional<WriteGuard> try_write() {
        if (!raw_.try_write()) return {};
        return WriteGuard(this);
    }
    T& get_mut() { return value_; }

  private:
    RawRwLock raw_;
    T value_;
};

}  // namespace astra::sync
