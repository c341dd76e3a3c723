// Privileged operations of the flat build: the kernel runs at CPL3 and asks the gate, which costs tens of
// microseconds a visit. Callers batch.
#pragma once
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/flat/percpu.hpp"
#include "guest_kernel/arch/x86_64/instructions.hpp"
#include "guest_kernel/arch/x86_64/registers.hpp"

namespace astra::arch::privileged {

inline void load_root(PhysAddr root) { gate_call(GATE_OP_LOAD_ROOT, root.raw()); }
inline void invalidate_page(u64 address) { gate_call(GATE_OP_INVLPG, address, 1); }
inline void flush_program() { gate_call(GATE_OP_FLUSH_PROGRAM); }
inline void flush_all() { gate_call(GATE_OP_FLUSH_ALL); }

inline u64 read_msr(u32 msr) { return gate_call(GATE_OP_READ_MSR, 0, 0, 0, msr); }
inline void write_msr(u32 msr, u64 value) { gate_call(GATE_OP_WRITE_MSR, value, 0, 0, msr); }

inline u8 in8(u16 port) { return static_cast<u8>(gate_call(GATE_OP_IN, 0, 0, port, 1)); }
inline u16 in16(u16 port) { return static_cast<u16>(gate_call(GATE_OP_IN, 0, 0, port, 2)); }
inline u32 in32(u16 port) { return static_cast<u32>(gate_call(GATE_OP_IN, 0, 0, port, 4)); }
inline void out8(u16 port, u8 value) { gate_call(GATE_OP_OUT, value, 0, port, 1); }
inline void out16(u16 port, u16 value) { gate_call(GATE_OP_OUT, value, 0, port, 2); }
inline void out32(u16 port, u32 value) { gate_call(GATE_OP_OUT, value, 0, port, 4); }

inline bool set_xcr0(u64 features) {
    gate_call(GATE_OP_XSETBV, features, 0, 0, 0);
    return true;
}
/// What the VMM tells this guest; the instruction at CPL3 would show the outer host's.
inline CpuidResult cpuid(u32 leaf, u32 subleaf = 0) {
    u64 operation = GATE_OP_CPUID, a = leaf, b, c = subleaf, d;
    asm volatile("call flat_gate_call" : "+a"(operation), "+D"(a), "=S"(b), "+c"(c), "=d"(d) : : "memory");
    return {static_cast<u32>(a), static_cast<u32>(b), static_cast<u32>(c), static_cast<u32>(d)};
}

u64 fault_address();
/// By the gate: one visit for both.
inline constexpr bool kAcknowledgedAtEntry = true;
bool interrupts_disable();
void interrupts_enable();
bool interrupts_enabled();
void let_interrupts_in();
/// Interrupts are masked by the caller. The one that ends the halt stays noted until they are unmasked.
void halt_enabled();
[[noreturn]] inline void halt_forever() {
    gate_call(GATE_OP_HALT_FOREVER);
    __builtin_unreachable();
}

}  // namespace astra::arch::privileged
