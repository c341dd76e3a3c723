// Floating-point set-up of one CPU; the rest of the FPU interface is in the arch contract.
#pragma once

namespace astra::arch {

/// Enables the state components of cpu_features() on this CPU. CR4.OSXSAVE must be set when the CPU has
/// XSAVE.
void init_fpu();

}  // namespace astra::arch
