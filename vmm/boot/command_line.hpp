// The kernel's command line, composed from what the machine is made of (abi/machine.hpp lists the words).
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "vmm/memory/layout.hpp"

namespace astra::vmm {

/// One `virtio_mmio.device=` word per slot of `virtio_slots`, `astra.counters=` when there are counters,
/// `astra.cpus=`, then `extra` as it is (so that what the user says comes last).
[[nodiscard]] std::string compose_command_line(std::span<const u32> virtio_slots, const Range& counters,
                                               u32 cpus, std::string_view extra);

}  // namespace astra::vmm
