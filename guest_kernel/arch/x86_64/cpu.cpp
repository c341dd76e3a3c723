// One CPU: its set-up, its interrupt flag, and the small questions the kernel asks of it.
#include "guest_kernel/arch/x86_64/cpu_features.hpp"
#include "guest_kernel/arch/x86_64/entry.hpp"
#include "guest_kernel/arch/x86_64/fpu.hpp"
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/privileged.hpp"

namespace astra::arch {

void init_cpu(u32 index, void* const (&emergency_stacks)[2]) {
    PerCpu& cpu = per_cpu[index];
    cpu.self = &cpu;
    cpu.index = index;
    init_privileged_state(cpu, emergency_stacks);
    init_entry();
    init_fpu();
}

bool interrupts_disable() { return privileged::interrupts_disable(); }
void interrupts_restore(bool enabled) {
    if (enabled) privileged::interrupts_enable();
}
bool interrupts_enabled() { return privileged::interrupts_enabled(); }
void interrupts_enable() { privileged::interrupts_enable(); }

// Flushes of the program half spare an idle CPU (tlb.cpp): it makes up for them here.
void idle_wait() {
    PerCpu& cpu = this_cpu();
    cpu.idle.store(true);
    privileged::halt_enabled();
    cpu.idle.store(false);
    if (cpu.flush_owed.load() && cpu.flush_owed.exchange(false)) privileged::flush_program();
}

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
