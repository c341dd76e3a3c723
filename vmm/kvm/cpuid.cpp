// Sources: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E; Linux
// Documentation/virt/kvm/x86/cpuid.rst.
#include "vmm/kvm/cpuid.hpp"

#include <algorithm>
#include <bit>

namespace astra::vmm {

namespace {

constexpr u32 bit(u32 n) { return 1u << n; }

/// Bits that every guest sees as given, whatever KVM supports. `clear` goes first.
struct Rule {
    u32 function, index;
    u32 kvm_cpuid_entry2::*reg;
    u32 clear, set;
};
constexpr u32 kAll = ~0u;
constexpr Rule kRules[] = {
    // There is a hypervisor and a LAPIC with x2APIC mode; no VMX (nesting), no debug store.
    {0x1, 0, &kvm_cpuid_entry2::ecx, bit(5) | bit(2), bit(31) | bit(21)},
    {0x1, 0, &kvm_cpuid_entry2::edx, bit(21), 0},
    // No performance counters: the host's are not virtualized for guests.
    {0xa, 0, &kvm_cpuid_entry2::eax, kAll, 0},
    {0xa, 0, &kvm_cpuid_entry2::ebx, kAll, 0},
    {0xa, 0, &kvm_cpuid_entry2::edx, kAll, 0},
    // KVM's paravirtual features: its clock (both MSR pairs and the stable bit), nothing that would need more
    // of the VMM.
    {0x4000'0001, 0, &kvm_cpuid_entry2::eax, ~(bit(0) | bit(3) | bit(24)), 0},
    {0x4000'0001, 0, &kvm_cpuid_entry2::edx, kAll, 0},
    // No SVM, no extended counters.
    {0x8000'0001, 0, &kvm_cpuid_entry2::ecx, bit(2) | bit(23) | bit(24) | bit(28), 0},
    {0x8000'000a, 0, &kvm_cpuid_entry2::eax, kAll, 0},
    {0x8000'000a, 0, &kvm_cpuid_entry2::ebx, kAll, 0},
    {0x8000'000a, 0, &kvm_cpuid_entry2::edx, kAll, 0},
};

constexpr void put(u32& value, u32 shift, u32 width, u32 field) {
    u32 mask = ((1u << width) - 1) << shift;
    value = (value & ~mask) | ((field << shift) & mask);
}

/// One package of `cpus` cores with one thread each; caches of level 3 are shared by all, the others by
/// nobody.
void describe_topology(kvm_cpuid_entry2& e, const CpuidRequest& r) {
    u32 id_bits = static_cast<u32>(std::bit_width(r.cpus - 1));
    switch (e.function) {
        case 0x1:
            put(e.ebx, 24, 8, r.apic_id);
            put(e.ebx, 16, 8, r.cpus);
            put(e.edx, 28, 1, r.cpus > 1);  // HTT: EBX[23:16] is valid
            break;
        case 0x4:          // Intel: deterministic cache parameters
        case 0x8000'001d:  // AMD: the same, in the same places
            if ((e.eax & 0x1f) == 0) break;
            put(e.eax, 14, 12, ((e.eax >> 5) & 7) == 3 ? r.cpus - 1 : 0);
            if (e.function == 0x4) put(e.eax, 26, 6, (1u << id_bits) - 1);
            break;
        case 0x8000'0008: e.ecx = (id_bits << 12) | (r.cpus - 1); break;
        case 0x8000'001e:
            e.eax = r.apic_id;
            e.ebx = r.apic_id;  // core id; threads per core - 1 = 0
            e.ecx = 0;          // node 0 of 1
            break;
        default: break;
    }
}

kvm_cpuid_entry2 entry(u32 function, u32 index, u32 flags, u32 eax, u32 ebx, u32 ecx, u32 edx) {
    kvm_cpuid_entry2 e{};
    e.function = function;
    e.index = index;
    e.flags = flags;
    e.eax = eax, e.ebx = ebx, e.ecx = ecx, e.edx = edx;
    return e;
}

}  // namespace

u64 usable_xfeatures(const CpuidTable& table) {
    constexpr u64 kAvx = 0b111, kAvx512 = 0b1110'0000;
    bool xsave = false;
    u64 supported = 0;
    for (const kvm_cpuid_entry2& e : table) {
        if (e.function == 0x1) xsave = e.ecx & bit(26);
        if (e.function == 0xd && e.index == 0) supported = u64{e.edx} << 32 | e.eax;
    }
    if (!xsave) return 0;
    return supported & ((supported & kAvx512) == kAvx512 ? kAvx | kAvx512 : kAvx);
}

CpuidTable guest_cpuid(CpuidTable table, const CpuidRequest& request) {
    u32 id_bits = static_cast<u32>(std::bit_width(request.cpus - 1));
    // Topology leaves are made anew below.
    std::erase_if(table, [](const auto& e) {
        return e.function == 0xb || e.function == 0x1f || e.function == kTimingLeaf;
    });
    for (kvm_cpuid_entry2& e : table) {
        for (const Rule& rule : kRules)
            if (rule.function == e.function && rule.index == e.index)
                e.*rule.reg = (e.*rule.reg & ~rule.clear) | rule.set;
        if (e.function == 0x0)
            e.eax = std::max(e.eax, 0xbu);  // the topology leaf counts wherever the host ends
        if (e.function == 0x1) put(e.ecx, 24, 1, request.tsc_deadline);
        if (e.function == 0x4000'0000 && request.tsc_khz) e.eax = std::max(e.eax, kTimingLeaf);
        describe_topology(e, request);
    }
    // SDM "Extended Topology Enumeration": sub-leaf 0 threads, 1 cores, 2 the end.
    constexpr u32 kIndexed = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    table.push_back(entry(0xb, 0, kIndexed, 0, 1, 0x100, request.apic_id));
    table.push_back(entry(0xb, 1, kIndexed, id_bits, request.cpus, 0x201, request.apic_id));
    table.push_back(entry(0xb, 2, kIndexed, 0, 0, 2, request.apic_id));
    if (request.tsc_khz) table.push_back(entry(kTimingLeaf, 0, 0, request.tsc_khz, kLapicTimerKhz, 0, 0));
    return table;
}

}  // namespace astra::vmm
