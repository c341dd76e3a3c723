// GDT, TSS and IDT.
#include "guest_kernel/arch/x86_64/isolated/descriptors.hpp"

#include "guest_kernel/arch/x86_64/layout.h"

/// 256 entry stubs of 16 bytes (entry.S of the build).
extern "C" char trap_stubs[];

namespace astra::arch {

namespace {

struct [[gnu::packed]] TablePointer {
    u16 limit;
    const void* base;
};

struct Gate {
    u64 low = 0, high = 0;
};
constinit Gate idt[256];

constexpr u64 kCode64 = 0x00af'9b00'0000'ffff, kCode32 = 0x00cf'9b00'0000'ffff, kData = 0x00cf'9300'0000'ffff,
              kUser = u64{3} << 45, kTssAvailable = 0x89;

constexpr u64 kInterruptGate = 0x8e, kBreakpoint = 3, kOverflow = 4, kNmi = 2, kDoubleFault = 8,
              kMachineCheck = 18;

u32 stack_of(u32 vector) {
    if (vector == kNmi) return kIstNmi;
    return vector == kDoubleFault || vector == kMachineCheck ? kIstFatal : 0;
}

Gate make_gate(u32 vector, u64 entry) {
    u64 type =
        kInterruptGate | (vector == kBreakpoint || vector == kOverflow ? 0x60 : 0);  // DPL 3: int3, into
    return {(entry & 0xffff) | u64{ASTRA_KERNEL_CS} << 16 | u64{stack_of(vector)} << 32 | type << 40 |
                (entry >> 16 & 0xffff) << 48,
            entry >> 32};
}

}  // namespace

void set_gate(u32 vector, void (*entry)()) {
    u64 stub = reinterpret_cast<u64>(trap_stubs) + vector * 16;
    idt[vector] = make_gate(vector, entry ? reinterpret_cast<u64>(entry) : stub);
}

void load_descriptor_tables(DescriptorTables& tables, void* const (&emergency_stacks)[2]) {
    u64 tss = reinterpret_cast<u64>(&tables.tss), limit = sizeof(Tss) - 1;
    tables.tss.ist[kIstNmi - 1] = reinterpret_cast<u64>(emergency_stacks[0]);
    tables.tss.ist[kIstFatal - 1] = reinterpret_cast<u64>(emergency_stacks[1]);
    tables.gdt[ASTRA_KERNEL_CS / 8] = kCode64;
    tables.gdt[ASTRA_KERNEL_DS / 8] = kData;
    tables.gdt[ASTRA_USER32_CS / 8] = kCode32 | kUser;
    tables.gdt[ASTRA_USER_DS / 8] = kData | kUser;
    tables.gdt[ASTRA_USER_CS / 8] = kCode64 | kUser;
    tables.gdt[ASTRA_TSS / 8] =
        limit | (tss & 0xff'ffff) << 16 | kTssAvailable << 40 | (tss >> 24 & 0xff) << 56;
    tables.gdt[ASTRA_TSS / 8 + 1] = tss >> 32;
    for (u32 vector = 0; vector < 256; vector++) set_gate(vector, nullptr);

    TablePointer gdtr{sizeof tables.gdt - 1, tables.gdt}, idtr{sizeof idt - 1, idt};
    asm volatile("lgdt %0; lidt %1" ::"m"(gdtr), "m"(idtr) : "memory");
    // CS already holds ASTRA_KERNEL_CS with the same meaning; the data segments stay null, which 64-bit mode
    // allows.
    asm volatile("ltr %w0" ::"r"(ASTRA_TSS));
}

}  // namespace astra::arch
