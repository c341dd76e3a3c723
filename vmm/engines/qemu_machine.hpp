// QEMU's machines as guests use them, and its words for them: shared by the engines that end in a QEMU.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "control_proto/launch.hpp"
#include "vmm/engines/shared_memory.hpp"
#include "vmm/net/backend.hpp"

namespace astra::vmm::qemu {

/// What sets a machine apart.
struct MachineFacts {
    control::MachineType type;
    const char* machine;          // -machine's argument
    const char* options;          // the part of it that libvirt does not write; empty: none
    const char* libvirt_address;  // libvirt's <address type=…> of a virtio device; empty: libvirt chooses
    const char* libvirt_slot;     // what puts a device where libvirt puts none of its own
    std::string_view transport;   // how its virtio devices end: "device" (mmio) or "pci"
    u64 low_ram;                  // RAM above this lies above 4 GiB

    /// -device's argument for a virtio device, as "virtio-net".
    [[nodiscard]] std::string device(std::string_view kind) const;
};
[[nodiscard]] const MachineFacts& facts_of(control::MachineType type);

/// Where the guest sees a RAM of `bytes` that is one file.
[[nodiscard]] std::vector<SharedMemory::Segment> ram_segments(control::MachineType type, u64 bytes);

/// The CPUs that a machine with `cpus` has room for: at least two. TCG leaves memory barriers out of its code
/// where no second CPU can come (CF_PARALLEL in its sources), although its device thread is one: a guest's
/// "enable interrupts, then look again" and the device's "publish, then ask" would then miss each other.
[[nodiscard]] u32 most_cpus(u32 cpus);

/// -netdev's argument (id=net): the same networks as astra-vmm's, made by QEMU. (Its user network always
/// leads from the gateway's address to the host's loopback.)
[[nodiscard]] std::string describe_network(const net::Config& network);

}  // namespace astra::vmm::qemu
