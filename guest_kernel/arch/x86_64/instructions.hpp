// Single CPU instructions as functions, for any privilege level that may execute them. Kernel code that runs
// after boot uses privileged.hpp for what needs CPL0.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::arch {

struct CpuidResult {
    u32 eax, ebx, ecx, edx;
};
inline CpuidResult cpuid(u32 leaf, u32 subleaf = 0) {
    CpuidResult r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

inline u64 rdmsr(u32 msr) {
    u32 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return u64(high) << 32 | low;
}
inline void wrmsr(u32 msr, u64 value) {
    asm volatile("wrmsr" ::"c"(msr), "a"(u32(value)), "d"(u32(value >> 32)) : "memory");
}

inline u64 read_cr0() {
    u64 v;
    asm volatile("mov %%cr0, %0" : "=r"(v));
    return v;
}
inline u64 read_cr2() {
    u64 v;
    asm volatile("mov %%cr2, %0" : "=r"(v));
    return v;
}
inline u64 read_cr3() {
    u64 v;
    asm volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}
inline u64 read_cr4() {
    u64 v;
    asm volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}
inline void write_cr0(u64 v) { asm volatile("mov %0, %%cr0" ::"r"(v) : "memory"); }
inline void write_cr3(u64 v) { asm volatile("mov %0, %%cr3" ::"r"(v) : "memory"); }
inline void write_cr4(u64 v) { asm volatile("mov %0, %%cr4" ::"r"(v) : "memory"); }
inline void invlpg(u64 address) { asm volatile("invlpg (%0)" ::"r"(address) : "memory"); }

inline u8 inb(u16 port) {
    u8 v;
    asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
inline u16 inw(u16 port) {
    u16 v;
    asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
inline u32 inl(u16 port) {
    u32 v;
    asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
inline void outb(u16 port, u8 v) { asm volatile("outb %0, %1" ::"a"(v), "Nd"(port)); }
inline void outw(u16 port, u16 v) { asm volatile("outw %0, %1" ::"a"(v), "Nd"(port)); }
inline void outl(u16 port, u32 v) { asm volatile("outl %0, %1" ::"a"(v), "Nd"(port)); }

inline u64 rdtsc() {
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return u64(high) << 32 | low;
}
/// rdtsc that no earlier load passes: the two ends of a measurement.
inline u64 rdtsc_ordered() {
    u32 low, high;
    asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return u64(high) << 32 | low;
}
inline void pause() { asm volatile("pause" ::: "memory"); }
inline u64 xgetbv(u32 index) {
    u32 low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
    return u64(high) << 32 | low;
}
inline void xsetbv(u32 index, u64 value) {
    asm volatile("xsetbv" ::"c"(index), "a"(u32(value)), "d"(u32(value >> 32)));
}

inline u64 rdfsbase() {
    u64 v;
    asm volatile("rdfsbase %0" : "=r"(v));
    return v;
}
inline u64 rdgsbase() {
    u64 v;
    asm volatile("rdgsbase %0" : "=r"(v));
    return v;
}
inline void wrfsbase(u64 v) { asm volatile("wrfsbase %0" ::"r"(v)); }
inline void wrgsbase(u64 v) { asm volatile("wrgsbase %0" ::"r"(v)); }

}  // namespace astra::arch
