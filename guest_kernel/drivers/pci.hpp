// The PCI bus by configuration mechanism #1 (PCI Local Bus Specification 3.0, 3.2.2.3.2): what firmware laid
// out, as found.
#pragma once
#include <optional>

#include "guest_kernel/base/result.hpp"

namespace astra::pci {

/// One function of a device on the bus.
class Function {
  public:
    constexpr Function(u8 bus, u8 device, u8 function)
        : address_(u32{1} << 31 | u32{bus} << 16 | u32{device} << 11 | u32{function} << 8) {}

    /// Configuration space; `offset` is aligned to the width read or written.
    [[nodiscard]] u32 read32(u32 offset) const;
    [[nodiscard]] u16 read16(u32 offset) const {
        return static_cast<u16>(read32(offset & ~3u) >> 8 * (offset & 2));
    }
    [[nodiscard]] u8 read8(u32 offset) const {
        return static_cast<u8>(read32(offset & ~3u) >> 8 * (offset & 3));
    }
    void write16(u32 offset, u16 value) const;

    /// Where the next capability with that id lies, `after` an earlier one (0: the first); none at the end.
    [[nodiscard]] std::optional<u32> capability(u8 id, u32 after = 0) const;
    /// Memory that base address register `bar` (0 to 5) points at, mapped: `size` bytes from `offset` on.
    /// Errors: EINVAL when it is no memory or firmware gave it no address; those of arch::map_device.
    Result<volatile u8*> map_bar(u32 bar, u32 offset, u32 size) const;

    [[nodiscard]] u32 bus() const { return address_ >> 16 & 0xff; }
    [[nodiscard]] u32 device() const { return address_ >> 11 & 0x1f; }
    [[nodiscard]] u32 function() const { return address_ >> 8 & 7; }

  private:
    u32 address_;
};

/// Calls `visit(function)` for every function on bus 0 and behind the bridges that firmware numbered, until
/// it returns true; returns whether it did.
bool find(bool (*visit)(const Function& function, void* argument), void* argument);

}  // namespace astra::pci
