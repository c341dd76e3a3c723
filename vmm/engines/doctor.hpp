// The examination behind `astra doctor`.
#pragma once
#include "control_proto/doctor.hpp"
#include "vmm/engines/host_facts.hpp"

namespace astra::vmm {

/// Turns facts into findings with hints, and says what `--engine auto` would choose. Reads /proc/meminfo.
[[nodiscard]] control::DoctorReport examine(const HostFacts& facts);

}  // namespace astra::vmm
