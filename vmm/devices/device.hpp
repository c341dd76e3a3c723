// The one interface between the machine and its device models.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "guest_kernel/base/types.hpp"

namespace astra::vmm {

/// A model behind a window of ports or of memory. It never learns where the window lies: `offset` counts from
/// its start. Calls come from any vCPU thread, one at a time per device (the bus holds the device's lock).
class Device {
  public:
    virtual ~Device() = default;
    /// Short and stable, for logs and metrics: "pit", "rtc", "uart0", "virtio-console".
    [[nodiscard]] virtual std::string_view label() const = 0;
    /// Fills `data` (1, 2, 4 or 8 bytes). Registers that do not exist read as all ones.
    virtual void read(u64 offset, std::span<u8> data) = 0;
    /// Takes `data` (1, 2, 4 or 8 bytes). Writes to what does not exist are ignored.
    virtual void write(u64 offset, std::span<const u8> data) = 0;
};

/// An interrupt line a device drives. Level semantics: raise/lower; an edge is raise then lower.
class IrqLine {
  public:
    virtual ~IrqLine() = default;
    virtual void set(bool level) = 0;
    void pulse() { set(true), set(false); }
};

/// Host time as devices see it, so that tests own the clock.
class Clock {
  public:
    virtual ~Clock() = default;
    /// Monotonic nanoseconds.
    [[nodiscard]] virtual u64 now_ns() const = 0;
    /// Wall-clock nanoseconds since the epoch, UTC.
    [[nodiscard]] virtual u64 wall_ns() const = 0;
};

/// Calls `callback` once at a monotonic time; arming again replaces, disarm cancels. A device owns one per
/// purpose.
class Timer {
  public:
    virtual ~Timer() = default;
    virtual void arm(u64 deadline_ns) = 0;
    virtual void disarm() = 0;
};
/// Makes a timer whose callback runs on the device thread with the device's lock held.
using TimerFactory = std::function<std::unique_ptr<Timer>(std::function<void()> callback)>;

}  // namespace astra::vmm
