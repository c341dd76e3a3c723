// TimerQueue: the earliest deadline is in the timerfd, all of them in a set.
#include "vmm/machine/timer_queue.hpp"

#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <vector>

namespace astra::vmm {

class TimerQueue::Entry final : public Timer {
  public:
    Entry(TimerQueue& queue, std::mutex& device_lock, std::function<void()> callback)
        : queue_(queue), device_lock_(device_lock), callback_(std::move(callback)) {}
    ~Entry() override { disarm(); }

    void arm(u64 deadline_ns) override {
        std::lock_guard guard(queue_.mutex_);
        if (armed_) queue_.armed_.erase({deadline_, this});
        deadline_ = deadline_ns;
        armed_ = !queue_.stopped_;
        if (armed_) queue_.armed_.insert({deadline_, this});
        queue_.program();
    }

    void disarm() override {
        std::lock_guard guard(queue_.mutex_);
        if (armed_) queue_.armed_.erase({deadline_, this});
        armed_ = false;  // the timerfd may still fire once, for nobody
    }

    /// Runs the callback if the timer is still due once its device's lock is held.
    void fire_if_due(u64 now) {
        std::lock_guard device(device_lock_);
        {
            std::lock_guard guard(queue_.mutex_);
            if (!armed_ || deadline_ > now) return;
            queue_.armed_.erase({deadline_, this});
            armed_ = false;
        }
        callback_();
    }

  private:
    friend TimerQueue;
    TimerQueue& queue_;
    std::mutex& device_lock_;
    std::function<void()> callback_;
    u64 deadline_ = 0;
    bool armed_ = false;
};

Result<std::unique_ptr<TimerQueue>> TimerQueue::create() {
    Fd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd.valid()) return fail_errno("timerfd_create");
    return std::unique_ptr<TimerQueue>(new TimerQueue(std::move(fd)));
}

TimerFactory TimerQueue::factory(std::mutex& lock) {
    return [this, &lock](std::function<void()> callback) {
        return std::make_unique<Entry>(*this, lock, std::move(callback));
    };
}

void TimerQueue::fire() {
    u64 expirations;
    (void)!::read(timer_fd_.get(), &expirations, sizeof expirations);  // EAGAIN: reprogrammed meanwhile
    u64 now = HostClock().now_ns();
    std::vector<Entry*> due;
    {
        std::lock_guard guard(mutex_);
        for (const auto& [deadline, entry] : armed_) {
            if (deadline > now) break;
            due.push_back(entry);
        }
    }
    for (Entry* entry : due) entry->fire_if_due(now);
    std::lock_guard guard(mutex_);
    program();
}

void TimerQueue::stop() {
    std::lock_guard guard(mutex_);
    stopped_ = true;
    for (const auto& [deadline, entry] : std::exchange(armed_, {})) entry->armed_ = false;
}

/// Sets the timerfd to the earliest deadline, or off.
void TimerQueue::program() {
    itimerspec when{};
    if (!armed_.empty()) {
        u64 deadline = std::max<u64>(armed_.begin()->first, 1);  // 0 would mean off
        when.it_value.tv_sec = static_cast<time_t>(deadline / 1'000'000'000);
        when.it_value.tv_nsec = static_cast<long>(deadline % 1'000'000'000);
    }
    ::timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

namespace {
u64 read_clock(clockid_t clock) {
    timespec now;
    ::clock_gettime(clock, &now);
    return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}
}  // namespace

u64 HostClock::now_ns() const { return read_clock(CLOCK_MONOTONIC); }
u64 HostClock::wall_ns() const { return read_clock(CLOCK_REALTIME); }

}  // namespace astra::vmm
