// An address space of the machine (I/O ports, or memory-mapped I/O): which device answers where.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vmm/base/error.hpp"
#include "vmm/devices/device.hpp"

namespace astra::vmm {

/// Maps address windows to devices. Filled before the vCPUs run and not changed afterwards, so look-ups need
/// no lock; each access runs under the lock given with the window.
///
/// Locking rule of all device models: a model never locks. The machine owns one mutex per device and holds it
/// around every call into that device: the bus here, timer callbacks (TimerFactory), ioeventfd kicks and
/// input_ready() and the like elsewhere. A device with several windows is attached with the same mutex each
/// time.
class Bus {
  public:
    /// What happened to one window so far.
    struct Counts {
        std::string_view label;
        u64 base, size;
        u64 reads, writes;
    };

    /// `name` says which space this is in error messages: "port" or "mmio".
    explicit Bus(std::string name) : name_(std::move(name)) {}

    /// Gives [base, base+size) to `device`; both referents outlive the bus. InvalidArgument when the window
    /// is empty, wraps, or overlaps another.
    [[nodiscard]] Result<void> attach(u64 base, u64 size, Device& device, std::mutex& lock);

    /// An access of `data.size()` bytes (1, 2, 4 or 8). One that no single window holds whole reads as all
    /// ones and writes nothing, as on a bus where nobody answers.
    void read(u64 address, std::span<u8> data);
    void write(u64 address, std::span<const u8> data);

    /// Per window, in address order. May be called at any time.
    [[nodiscard]] std::vector<Counts> counts() const;
    /// Accesses that nobody answered.
    [[nodiscard]] u64 unclaimed() const { return unclaimed_.load(std::memory_order_relaxed); }

  private:
    struct Window {
        u64 base, size;
        Device& device;
        std::mutex& lock;
        std::atomic<u64> reads = 0, writes = 0;
    };
    [[nodiscard]] Window* find(u64 address, u64 length);

    std::string name_;
    std::vector<std::unique_ptr<Window>> windows_;  // sorted by base
    std::atomic<u64> unclaimed_ = 0;
};

}  // namespace astra::vmm
