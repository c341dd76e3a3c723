// Words for QEMU's command line (qemu-system-x86_64(1)).
#include "vmm/engines/qemu_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "guest_kernel/abi/machine.hpp"

namespace astra::vmm::qemu {
namespace {

using control::MachineType;

// microvm is the machine of guest_kernel/abi/machine.hpp. q35 splits its RAM at 2 GiB or 2.75 GiB as it
// likes, pc at 3 GiB or 3.5: both are told.
constexpr std::array kMachines{MachineFacts{.type = MachineType::Microvm,
                                            .machine = "microvm,acpi=off,pit=on,rtc=on,pic=on",
                                            .options = "",
                                            .libvirt_address = "virtio-mmio",
                                            .libvirt_slot = "",
                                            .transport = "device",
                                            .low_ram = abi::machine::kLowRamLimit},
                               MachineFacts{.type = MachineType::Pc,
                                            .machine = "pc,max-ram-below-4g=3G",
                                            .options = "max-ram-below-4g=3G",
                                            .libvirt_address = "",
                                            .libvirt_slot = ",addr=0x10",
                                            .transport = "pci",
                                            .low_ram = u64{3} << 30},
                               MachineFacts{.type = MachineType::Q35,
                                            .machine = "q35,max-ram-below-4g=2G",
                                            .options = "max-ram-below-4g=2G",
                                            .libvirt_address = "",
                                            .libvirt_slot = ",addr=0x10",
                                            .transport = "pci",
                                            .low_ram = u64{2} << 30}};

}  // namespace

std::string MachineFacts::device(std::string_view kind) const {
    return fmt::format("{}-{}", kind, transport);
}

const MachineFacts& facts_of(MachineType type) {
    return *std::ranges::find(kMachines, type, &MachineFacts::type);
}

std::vector<SharedMemory::Segment> ram_segments(MachineType type, u64 bytes) {
    const u64 low = std::min(bytes, facts_of(type).low_ram);
    std::vector<SharedMemory::Segment> segments{{PhysAddr(0), low, 0}};
    if (bytes > low) segments.push_back({PhysAddr(abi::machine::kHighRamBase), bytes - low, low});
    return segments;
}

u32 most_cpus(u32 cpus) { return std::max(cpus, 2U); }

std::string describe_network(const net::Config& network) {
    if (network.kind == net::Config::Kind::Tap)
        return fmt::format("tap,id=net,ifname={},script=no,downscript=no", network.tap);
    std::string text = "user,id=net";
    for (const net::Forward& forward : network.forwards)
        text += fmt::format(",hostfwd={}:{}:{}-{}:{}", forward.udp ? "udp" : "tcp",
                            net::address_text(forward.host_address), forward.host_port,
                            net::address_text(net::kUserGuest), forward.guest_port);
    return text;
}

}  // namespace astra::vmm::qemu
