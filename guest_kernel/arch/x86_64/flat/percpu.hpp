// The flat build's part of PerCpu: what a CPU shares with the gate. PerCpu is the start of the CPU's gate
// block (gate_block.h), which blocks.S lays out, GDT and TSS included.
#pragma once
#include "guest_kernel/arch/x86_64/flat/gate_block.h"
#include "guest_kernel/base/types.hpp"
#include "guest_kernel/drivers/counters.hpp"

namespace astra::arch {

inline constexpr usize kPerCpuAlignment = GATE_BLOCK_SIZE;

struct alignas(0x100) PerCpuBuild {
    // The gate changes these behind the compiler's back.
    volatile u8 masked;
    volatile u8 if_off;
    u16 unused;
    volatile u32 pending;
    volatile u32 stray_faults;
    u32 unused2;
    u64 fault_address;  // CR2 of the page fault being taken
};
static_assert(offsetof(PerCpuBuild, masked) + 0x100 == GATE_MASKED);
static_assert(offsetof(PerCpuBuild, if_off) + 0x100 == GATE_IF_OFF);
static_assert(offsetof(PerCpuBuild, pending) + 0x100 == GATE_PENDING);
static_assert(offsetof(PerCpuBuild, stray_faults) + 0x100 == GATE_STRAY_FAULTS);

/// Asks the gate for an operation (GATE_OP_*), which is counted; arguments and result as gate_block.h says.
inline u64 gate_call(u64 operation, u64 rdi = 0, u64 rsi = 0, u64 rdx = 0, u64 rcx = 0) {
    counters::add(counters::local().gate_calls);
    asm volatile("call flat_gate_call"
                 : "+a"(operation), "+D"(rdi), "+S"(rsi), "+c"(rcx)
                 : "d"(rdx)
                 : "memory");
    return rdi;
}

}  // namespace astra::arch
