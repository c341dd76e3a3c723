// What the CPU offers programs.
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/instructions.hpp"

namespace astra::arch {

u64 hardware_capabilities() { return cpuid(1).edx; }

}  // namespace astra::arch
