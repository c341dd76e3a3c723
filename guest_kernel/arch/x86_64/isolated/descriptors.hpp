// Segment and interrupt descriptors (Intel SDM vol. 3, 3.5, 7.7 and 6.14): a GDT and TSS per CPU, one IDT for
// all.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::arch {

/// Stacks of the interrupt stack table: traps that may hit while the stack pointer cannot be trusted.
inline constexpr u32 kIstNmi = 1;
inline constexpr u32 kIstFatal = 2;  // #DF and #MC: neither returns

struct [[gnu::packed]] Tss {
    u32 reserved0 = 0;
    u64 rsp[3] = {};
    u64 reserved1 = 0;
    u64 ist[7] = {};
    u64 reserved2 = 0;
    u16 reserved3 = 0;
    u16 io_map = sizeof(Tss);  // past the limit: no port is open to programs
};
static_assert(sizeof(Tss) == 104);

struct DescriptorTables {
    u64 gdt[10] = {};
    Tss tss;
};

/// Fills and loads this CPU's GDT, TSS and the IDT. `emergency_stacks`: tops for kIstNmi and kIstFatal; the
/// word at each top (just above what the CPU pushes) must hold the CPU's PerCpu address, by which such traps
/// find it.
void load_descriptor_tables(DescriptorTables& tables, void* const (&emergency_stacks)[2]);
/// Points one vector's gate somewhere else, or (null) back at its stub.
void set_gate(u32 vector, void (*entry)());

}  // namespace astra::arch
