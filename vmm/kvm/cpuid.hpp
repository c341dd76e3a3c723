// What CPUID shows the guest: the host's CPU as KVM can virtualize it, minus what this machine does not have.
#pragma once
#include "vmm/kvm/kvm.hpp"

namespace astra::vmm {

/// Leaf 0x40000010: EAX the TSC's frequency, EBX the LAPIC timer's, both in kHz (the layout VMware made and
/// QEMU and Linux read). KVM's LAPIC timer counts nanoseconds.
inline constexpr u32 kTimingLeaf = 0x4000'0010;
inline constexpr u32 kLapicTimerKhz = 1'000'000;

struct CpuidRequest {
    u32 apic_id;        // this vCPU's
    u32 cpus;           // in the machine: one package, one thread a core
    u32 tsc_khz;        // 0: not known, no timing leaf
    bool tsc_deadline;  // the LAPIC timer has TSC-deadline mode (KVM_CAP_TSC_DEADLINE_TIMER)
};

/// The state components (bits of XCR0) a guest with this table may enable that programs use without asking:
/// x87, SSE, AVX, AVX-512. 0: no XSAVE.
[[nodiscard]] u64 usable_xfeatures(const CpuidTable& table);

/// The table for one vCPU, made from `supported` (KVM_GET_SUPPORTED_CPUID).
[[nodiscard]] CpuidTable guest_cpuid(CpuidTable supported, const CpuidRequest& request);

}  // namespace astra::vmm
