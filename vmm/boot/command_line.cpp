// Source of virtio_mmio.device's form: Linux Documentation/admin-guide/kernel-parameters.txt.
#include "vmm/boot/command_line.hpp"

#include <fmt/format.h>

#include "guest_kernel/abi/machine.hpp"

namespace astra::vmm {

std::string compose_command_line(std::span<const u32> virtio_slots, const Range& counters, u32 cpus,
                                 std::string_view extra) {
    namespace machine = abi::machine;
    std::string line;
    for (u32 slot : virtio_slots)
        line += fmt::format("virtio_mmio.device={}@{:#x}:{} ", machine::kVirtioStride,
                            machine::kVirtioBase + slot * machine::kVirtioStride,
                            machine::kVirtioFirstIrq + slot);
    if (counters.size) line += fmt::format("astra.counters={}@{:#x} ", counters.size, counters.base.raw());
    line += fmt::format("astra.cpus={}", cpus);
    if (!extra.empty()) line += fmt::format(" {}", extra);
    return line;
}

}  // namespace astra::vmm
