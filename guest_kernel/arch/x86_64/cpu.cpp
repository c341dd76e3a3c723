// One CPU: its set-up, its interrupt flag, and the small questions the kernel asks of it.
#include "guest_kernel/arch/x86_64/cpu_features.hpp"
#include "guest_kernel/arch/x86_64/entry.hpp"
#include "guest_kernel/arch/x86_64/fpu.hpp"
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"

namespace astra::arch {

constinit PerCpu per_cpu[kMaxCpus];

namespace {

/// A place in the code to turn into STAC or CLAC (SMAP_SITE).
struct SmapSite {
    i32 instruction;
    u32 opcode;
};
extern "C" const SmapSite smap_sites_start[], smap_sites_end[];

void set_control_registers() {
    const CpuFeatures& cpu = cpu_features();
    u64 cr4 = read_cr4() | kCr4Pge | kCr4OsFxsr | kCr4OsXmmExcept;
    if (cpu.xsave) cr4 |= kCr4OsXsave;
    if (cpu.fsgsbase) cr4 |= kCr4FsGsBase;
    if (cpu.umip) cr4 |= kCr4Umip;
    if (kKernelIsSupervisor && cpu.smep) cr4 |= kCr4Smep;
    if (kKernelIsSupervisor && cpu.smap) cr4 |= kCr4Smap;
    write_cr4(cr4);
}

}  // namespace

void patch_smap_sites() {
    if (!kKernelIsSupervisor || !cpu_features().smap) return;
    for (const SmapSite* site = smap_sites_start; site < smap_sites_end; site++) {
        // The code is mapped read-only; the direct map's view of it is not.
        const char* code = reinterpret_cast<const char*>(&site->instruction) + site->instruction;
        auto* bytes = static_cast<u8*>(phys_to_virt(virt_to_phys(code)));
        bytes[0] = 0x0f;
        bytes[1] = 0x01;
        bytes[2] = static_cast<u8>(site->opcode);
    }
}

void init_cpu(u32 index, void* const (&emergency_stacks)[2]) {
    PerCpu& cpu = per_cpu[index];
    cpu.self = &cpu;
    cpu.index = index;
    for (void* top : emergency_stacks) *static_cast<PerCpu**>(top) = &cpu;
    load_descriptor_tables(cpu.tables, emergency_stacks);
    set_kernel_gs(cpu);
    if (index == 0) check_build(cpu);
    set_control_registers();
    init_entry();
    init_fpu();
}

bool interrupts_disable() { return privileged::interrupts_disable(); }
void interrupts_restore(bool enabled) {
    if (enabled) privileged::interrupts_enable();
}
bool interrupts_enabled() { return privileged::interrupts_enabled(); }
void interrupts_enable() { privileged::interrupts_enable(); }
void idle_wait() { privileged::halt_enabled(); }

u32 cpu_index() {
    u32 index;
    asm volatile("movl %%gs:%c1, %0" : "=r"(index) : "i"(PERCPU_INDEX));
    return index;
}
void set_cpu_local(void* data) { this_cpu().local = data; }
void* cpu_local() {
    void* data;
    asm volatile("mov %%gs:%c1, %0" : "=r"(data) : "i"(PERCPU_LOCAL));
    return data;
}

u8 port_in8(u16 port) { return privileged::in8(port); }
u16 port_in16(u16 port) { return privileged::in16(port); }
u32 port_in32(u16 port) { return privileged::in32(port); }
void port_out8(u16 port, u8 value) { privileged::out8(port, value); }
void port_out16(u16 port, u16 value) { privileged::out16(port, value); }
void port_out32(u16 port, u32 value) { privileged::out32(port, value); }

bool hardware_random(u64& value) {
    if (!cpu_features().rdrand) return false;
    // Ten tries, as Intel's Digital Random Number Generator guide (5.2.1) advises.
    for (int i = 0; i < 10; i++) {
        bool good;
        asm volatile("rdrand %0" : "=r"(value), "=@ccc"(good));
        if (good) return true;
    }
    return false;
}

usize backtrace(std::span<u64> frames) {
    const auto* frame = static_cast<const u64*>(__builtin_frame_address(0));
    usize count = 0;
    while (count < frames.size()) {
        // Frames lie in kernel memory, 8-byte aligned, each above the last and near it; anything else ends
        // the chain.
        u64 at = reinterpret_cast<u64>(frame);
        if (at < ASTRA_DIRECT_MAP || at % 8 != 0) break;
        u64 return_address = frame[1], next = frame[0];
        if (return_address < ASTRA_KERNEL_OFFSET) break;
        frames[count++] = return_address;
        if (next <= at || next - at > kKernelStackSize) break;
        frame = reinterpret_cast<const u64*>(next);
    }
    return count;
}

}  // namespace astra::arch
