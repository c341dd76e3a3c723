// All timers of a machine behind one timerfd(2), fired on the device thread.
#pragma once
#include <mutex>
#include <set>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"
#include "vmm/devices/device.hpp"

namespace astra::vmm {

/// Deadlines are CLOCK_MONOTONIC nanoseconds, as HostClock tells them. Timers may be armed and disarmed by
/// any thread that holds their device's lock. Lock order: a device's lock before the queue's own.
class TimerQueue {
  public:
    [[nodiscard]] static Result<std::unique_ptr<TimerQueue>> create();

    /// Makes timers whose callbacks run with `lock` held; both the queue and the lock outlive them.
    [[nodiscard]] TimerFactory factory(std::mutex& lock);
    /// Readable when a timer is due: then fire().
    [[nodiscard]] int fd() const { return timer_fd_.get(); }
    /// Runs the callbacks of the timers that are due, in the order of their deadlines.
    void fire();
    /// From now on no timer fires. For the end of the machine.
    void stop();

  private:
    class Entry;
    explicit TimerQueue(Fd timer_fd) : timer_fd_(std::move(timer_fd)) {}
    void program();
    Fd timer_fd_;
    std::mutex mutex_;  // guards what follows, and every entry's deadline
    std::set<std::pair<u64, Entry*>> armed_;
    bool stopped_ = false;
};

/// Host time: CLOCK_MONOTONIC and CLOCK_REALTIME.
class HostClock final : public Clock {
  public:
    [[nodiscard]] u64 now_ns() const override;
    [[nodiscard]] u64 wall_ns() const override;
};

}  // namespace astra::vmm
