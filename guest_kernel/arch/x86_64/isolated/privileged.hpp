// Privileged operations of the isolated build: the kernel is at CPL0 and just does them.
#pragma once
#include "guest_kernel/arch/x86_64/instructions.hpp"
#include "guest_kernel/arch/x86_64/registers.hpp"

namespace astra::arch {

namespace privileged {

inline void load_root(PhysAddr root) { write_cr3(root.raw()); }
inline void invalidate_page(u64 address) { invlpg(address); }
inline void flush_program() { write_cr3(read_cr3()); }
inline void flush_all() {
    u64 cr4 = read_cr4();
    if (cr4 & kCr4Pge) {
        write_cr4(cr4 & ~kCr4Pge);
        write_cr4(cr4);
    } else {
        write_cr3(read_cr3());
    }
}

inline u64 read_msr(u32 msr) { return rdmsr(msr); }
inline void write_msr(u32 msr, u64 value) { wrmsr(msr, value); }

inline u8 in8(u16 port) { return inb(port); }
inline u16 in16(u16 port) { return inw(port); }
inline u32 in32(u16 port) { return inl(port); }
inline void out8(u16 port, u8 value) { outb(port, value); }
inline void out16(u16 port, u16 value) { outw(port, value); }
inline void out32(u16 port, u32 value) { outl(port, value); }

inline CpuidResult cpuid(u32 leaf, u32 subleaf = 0) { return arch::cpuid(leaf, subleaf); }
inline bool set_xcr0(u64 features) {
    xsetbv(0, features);
    // A hypervisor under a hypervisor may miss the XSETBV and put the old value back at its next exit, such
    // as CPUID.
    cpuid(0xd);
    if (xgetbv(0) == features) return true;
    write_cr4(read_cr4() & ~kCr4OsXsave);
    return false;
}
inline u64 fault_address() { return read_cr2(); }
inline constexpr bool kAcknowledgedAtEntry = false;

inline bool interrupts_enabled() {
    u64 flags;
    asm volatile("pushf; pop %0" : "=r"(flags));
    return flags & kFlagInterrupt;
}
inline bool interrupts_disable() {
    bool enabled = interrupts_enabled();
    asm volatile("cli" ::: "memory");
    return enabled;
}
inline void let_interrupts_in() {}
inline void interrupts_enable() { asm volatile("sti" ::: "memory"); }
/// `sti` delays interrupts by one instruction, so none can slip in before the halt and be slept through.
inline void halt_enabled() { asm volatile("sti; hlt; cli" ::: "memory"); }
[[noreturn]] inline void halt_forever() {
    for (;;) asm volatile("cli; hlt");
}

}  // namespace privileged

}  // namespace astra::arch
