// What CPUID shows: topology per vCPU, the timing leaf, and what is hidden.
#include "vmm/kvm/cpuid.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace astra::vmm {
namespace {

kvm_cpuid_entry2 leaf(u32 function, u32 fill = 0xffff'ffff) {
    kvm_cpuid_entry2 e{};
    e.function = function;
    e.eax = e.ebx = e.ecx = e.edx = fill;
    return e;
}

const kvm_cpuid_entry2* find(const CpuidTable& table, u32 function, u32 index = 0) {
    auto it = std::ranges::find_if(table,
                                   [&](const auto& e) { return e.function == function && e.index == index; });
    return it == table.end() ? nullptr : &*it;
}

CpuidTable supported() {
    CpuidTable table{leaf(0x0, 5),      leaf(0x1),         leaf(0xa),        leaf(0xb),
                     leaf(0x4000'0001), leaf(0x8000'0001), leaf(0x8000'000a)};
    table.push_back(leaf(0x4000'0000, 0x4000'0001));
    return table;
}

TEST(Cpuid, GivesEachCpuItsIdentity) {
    CpuidTable table =
        guest_cpuid(supported(), {.apic_id = 2, .cpus = 3, .tsc_khz = 0, .tsc_deadline = true});
    EXPECT_EQ(find(table, 0)->eax, 0xbu);
    EXPECT_EQ(find(table, 1)->ebx >> 24, 2u);
    EXPECT_EQ((find(table, 1)->ebx >> 16) & 0xff, 3u);
    EXPECT_EQ(find(table, 0xb, 1)->ebx, 3u);
    EXPECT_EQ(find(table, 0xb, 1)->eax, 2u);  // bits that hold ids 0 to 2
    EXPECT_EQ(find(table, 0xb, 1)->edx, 2u);
    EXPECT_EQ(find(table, 0xb, 2)->ecx >> 8, 0u);
    EXPECT_EQ(std::ranges::count_if(table, [](const auto& e) { return e.function == 0xb; }), 3);
}

TEST(Cpuid, OneCpuIsNoMultiprocessor) {
    CpuidTable table =
        guest_cpuid(supported(), {.apic_id = 0, .cpus = 1, .tsc_khz = 0, .tsc_deadline = false});
    EXPECT_EQ(find(table, 1)->edx & (1u << 28), 0u);
    EXPECT_EQ(find(table, 1)->ecx & (1u << 24), 0u);
    EXPECT_EQ(find(table, 0xb, 1)->eax, 0u);
}

TEST(Cpuid, TellsTheTscOnlyWhenKnown) {
    CpuidTable known =
        guest_cpuid(supported(), {.apic_id = 0, .cpus = 1, .tsc_khz = 2'500'000, .tsc_deadline = true});
    EXPECT_EQ(find(known, kTimingLeaf)->eax, 2'500'000u);
    EXPECT_EQ(find(known, kTimingLeaf)->ebx, kLapicTimerKhz);
    EXPECT_EQ(find(known, 0x4000'0000)->eax, kTimingLeaf);
    CpuidTable unknown =
        guest_cpuid(supported(), {.apic_id = 0, .cpus = 1, .tsc_khz = 0, .tsc_deadline = true});
    EXPECT_EQ(find(unknown, kTimingLeaf), nullptr);
    EXPECT_EQ(find(unknown, 0x4000'0000)->eax, 0x4000'0001u);
}

TEST(Cpuid, HidesNestingCountersAndParavirtualExtras) {
    CpuidTable table =
        guest_cpuid(supported(), {.apic_id = 0, .cpus = 1, .tsc_khz = 0, .tsc_deadline = true});
    EXPECT_EQ(find(table, 1)->ecx & (1u << 5), 0u);            // VMX
    EXPECT_EQ(find(table, 0x8000'0001)->ecx & (1u << 2), 0u);  // SVM
    EXPECT_EQ(find(table, 0xa)->eax, 0u);
    EXPECT_EQ(find(table, 0x4000'0001)->eax, (1u << 0) | (1u << 3) | (1u << 24));
    EXPECT_NE(find(table, 1)->ecx & (1u << 31), 0u);  // hypervisor
    EXPECT_NE(find(table, 1)->ecx & (1u << 21), 0u);  // x2APIC
}

TEST(Cpuid, StartsWithTheStateProgramsUse) {
    CpuidTable table{leaf(0x1), leaf(0xd, 0)};
    auto with = [&](u32 components) {
        table[1].eax = components;
        return usable_xfeatures(table);
    };
    EXPECT_EQ(with(0b111), 0b111u);
    EXPECT_EQ(with(0x600e7), 0xe7u);  // AVX-512, not AMX
    EXPECT_EQ(with(0x67), 0b111u);    // parts of AVX-512 are none
    table[0].ecx = 0;
    EXPECT_EQ(with(0b111), 0u);
}

}  // namespace
}  // namespace astra::vmm
