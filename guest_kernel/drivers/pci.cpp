// PCI configuration space by the ports 0xcf8 and 0xcfc.
#include "guest_kernel/drivers/pci.hpp"

#include <linux/pci_regs.h>

#include "guest_kernel/arch/arch.hpp"

namespace astra::pci {

namespace {

constexpr u16 kPortAddress = 0xcf8, kPortData = 0xcfc;
constexpr u32 kDevices = 32, kFunctions = 8, kBuses = 256;
constexpr u16 kNobody = 0xffff;
constexpr u8 kManyFunctions = 0x80;  // of the header type
/// Capabilities lie in the 192 bytes after the header, a word each at least: a longer chain is a circle.
constexpr u32 kMostCapabilities = 48;

class Walk {
  public:
    Walk(bool (*visit)(const Function&, void*), void* argument) : visit_(visit), argument_(argument) {}

    bool run() {
        // Bridges lead to buses with higher numbers.
        for (u32 bus = 0; bus < kBuses; bus++)
            if (reached_[bus] && visit_bus(static_cast<u8>(bus))) return true;
        return false;
    }

  private:
    bool visit_bus(u8 bus) {
        for (u8 device = 0; device < kDevices; device++) {
            const Function first(bus, device, 0);
            if (first.read16(PCI_VENDOR_ID) == kNobody) continue;
            const u32 functions = first.read8(PCI_HEADER_TYPE) & kManyFunctions ? kFunctions : 1;
            for (u8 function = 0; function < functions; function++)
                if (visit_function(Function(bus, device, function))) return true;
        }
        return false;
    }

    bool visit_function(const Function& function) {
        if (function.read16(PCI_VENDOR_ID) == kNobody) return false;
        if ((function.read8(PCI_HEADER_TYPE) & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_BRIDGE)
            if (const u8 secondary = function.read8(PCI_SECONDARY_BUS); secondary > function.bus())
                reached_[secondary] = true;
        return visit_(function, argument_);
    }

    bool (*visit_)(const Function&, void*);
    void* argument_;
    bool reached_[kBuses] = {true};
};

}  // namespace

u32 Function::read32(u32 offset) const {
    arch::port_out32(kPortAddress, address_ | offset);
    return arch::port_in32(kPortData);
}

void Function::write16(u32 offset, u16 value) const {
    arch::port_out32(kPortAddress, address_ | (offset & ~3u));
    arch::port_out16(static_cast<u16>(kPortData + (offset & 2)), value);
}

std::optional<u32> Function::capability(u8 id, u32 after) const {
    if (!(read16(PCI_STATUS) & PCI_STATUS_CAP_LIST)) return std::nullopt;
    u32 at = after ? after + PCI_CAP_LIST_NEXT : u32{PCI_CAPABILITY_LIST};
    for (u32 i = 0; i < kMostCapabilities; i++) {
        const u32 next = read8(at) & ~3u;
        if (next < PCI_STD_HEADER_SIZEOF) return std::nullopt;
        if (read8(next + PCI_CAP_LIST_ID) == id) return next;
        at = next + PCI_CAP_LIST_NEXT;
    }
    return std::nullopt;
}

Result<volatile u8*> Function::map_bar(u32 bar, u32 offset, u32 size) const {
    if (bar >= PCI_STD_NUM_BARS) return fail(Errno::kEINVAL);
    const u32 at = PCI_BASE_ADDRESS_0 + 4 * bar, low = read32(at);
    if (low & PCI_BASE_ADDRESS_SPACE_IO) return fail(Errno::kEINVAL);
    u64 base = low & ~u32{0xf};
    if ((low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64) {
        if (bar + 1 == PCI_STD_NUM_BARS) return fail(Errno::kEINVAL);
        base |= u64{read32(at + 4)} << 32;
    }
    if (base == 0) return fail(Errno::kEINVAL);
    return static_cast<volatile u8*>(TRY(arch::map_device(PhysAddr(base + offset), size)));
}

bool find(bool (*visit)(const Function&, void*), void* argument) { return Walk(visit, argument).run(); }

}  // namespace astra::pci
