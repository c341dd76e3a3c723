// The exit doorbell: a port by which the guest ends the machine, with the semantics of QEMU's isa-debug-exit.
#pragma once
#include "vmm/devices/device.hpp"

namespace astra::vmm {

/// Window: 4 ports (abi::machine::kPortExit). A write of 1, 2 or 4 bytes anywhere in it rings; reads give 0.
class ExitDoorbell final : public Device {
  public:
    /// `ring` gets the value written, zero-extended, under the device's lock, once per write; it must stop
    /// the machine.
    explicit ExitDoorbell(std::function<void(u32 value)> ring) : ring_(std::move(ring)) {}

    /// The status a process that runs the machine ends with for `value` (QEMU hw/misc/debugexit.c).
    static constexpr u32 exit_status(u32 value) { return (value << 1) | 1; }

    [[nodiscard]] std::string_view label() const override { return "exit-doorbell"; }
    void read(u64 offset, std::span<u8> data) override;
    void write(u64 offset, std::span<const u8> data) override;

  private:
    std::function<void(u32)> ring_;
};

}  // namespace astra::vmm
