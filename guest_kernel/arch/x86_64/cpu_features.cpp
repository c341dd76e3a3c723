// CPU features from CPUID (Intel SDM vol. 2, CPUID; the hypervisor's leaves: VMware "Timing information"
// 0x40000010).
#include "guest_kernel/arch/x86_64/cpu_features.hpp"

#include "guest_kernel/arch/x86_64/privileged.hpp"

namespace astra::arch {

namespace {

constinit CpuFeatures features{};

constexpr bool bit(u32 word, u32 n) { return word >> n & 1; }

/// x87, SSE, AVX and, all three together, the parts of AVX-512.
u64 usable_xfeatures() {
    constexpr u64 kBase = 0b111, kAvx512 = 0b1110'0000;
    CpuidResult leaf = privileged::cpuid(0xd);
    u64 supported = u64(leaf.edx) << 32 | leaf.eax;
    return supported & ((supported & kAvx512) == kAvx512 && supported & 0b100 ? kBase | kAvx512 : kBase);
}

void read_frequencies(u32 max_leaf, bool hypervisor) {
    if (hypervisor && privileged::cpuid(0x4000'0000).eax >= 0x4000'0010) {
        CpuidResult timing = privileged::cpuid(0x4000'0010);
        features.tsc_khz = timing.eax;
        features.apic_timer_khz = timing.ebx;
    }
    if (features.tsc_khz == 0 && max_leaf >= 0x15) {  // TSC = crystal * ebx / eax
        CpuidResult ratio = privileged::cpuid(0x15);
        if (ratio.eax && ratio.ebx && ratio.ecx)
            features.tsc_khz = u64(ratio.ecx) * ratio.ebx / ratio.eax / 1000;
    }
}

}  // namespace

void detect_cpu_features() {
    u32 max_leaf = privileged::cpuid(0).eax;
    CpuidResult one = privileged::cpuid(1), seven = max_leaf >= 7 ? privileged::cpuid(7) : CpuidResult{};
    features.x2apic = bit(one.ecx, 21);
    features.tsc_deadline = bit(one.ecx, 24);
    features.xsave = bit(one.ecx, 26) && max_leaf >= 0xd;
    features.rdrand = bit(one.ecx, 30);
    features.fsgsbase = bit(seven.ebx, 0);
    features.smep = bit(seven.ebx, 7);
    features.smap = bit(seven.ebx, 20);
    features.umip = bit(seven.ecx, 2);
    if (features.xsave) {
        features.xfeatures = usable_xfeatures();
        features.xsaveopt = bit(privileged::cpuid(0xd, 1).eax, 0);
    }
    read_frequencies(max_leaf, bit(one.ecx, 31));
}

void forget_xsave() {
    features.xsave = features.xsaveopt = false;
    features.xfeatures = 0;
}

const CpuFeatures& cpu_features() { return features; }

}  // namespace astra::arch
