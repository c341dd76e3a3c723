// What the CPU can do (CPUID), asked once on the first CPU: all CPUs of a machine are alike.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::arch {

struct CpuFeatures {
    bool x2apic, tsc_deadline, xsave, xsaveopt, rdrand, fsgsbase, smep, smap, umip;
    u64 xfeatures;       // state components to save: XCR0
    u64 tsc_khz;         // as the hypervisor or CPU states it; 0: must be measured
    u64 apic_timer_khz;  // likewise
};

/// Reads CPUID. Called before any other use of cpu_features().
void detect_cpu_features();
const CpuFeatures& cpu_features();
/// Lives without XSAVE from now on: it does not work.
void forget_xsave();

}  // namespace astra::arch
