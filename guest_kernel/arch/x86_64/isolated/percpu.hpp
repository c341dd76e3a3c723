// The isolated build's part of PerCpu.
#pragma once
#include "guest_kernel/arch/x86_64/isolated/descriptors.hpp"

namespace astra::arch {

inline constexpr usize kPerCpuAlignment = 64;

struct PerCpuBuild {
    DescriptorTables tables;
};

struct PerCpu;
/// Ends the machine with ExitCode::WrongBuild when this build cannot run well here. On the first CPU,
/// descriptor tables loaded, boot page tables still in use.
void check_build(PerCpu& cpu);

}  // namespace astra::arch
