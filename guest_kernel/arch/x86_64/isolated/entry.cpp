// The isolated build's way in and out of the kernel: SYSCALL's registers and the GS bases.
#include "guest_kernel/arch/x86_64/entry.hpp"

#include "guest_kernel/arch/x86_64/cpu_features.hpp"
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/arch/x86_64/percpu.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"

extern "C" {
void syscall_entry();
void syscall32_entry();
[[noreturn]] void astra_resume_user(astra::arch::UserRegisters* regs);
}

namespace astra::arch {

namespace {

constexpr u64 kClearedAtEntry =
    kFlagInterrupt | kFlagTrap | kFlagDirection | kFlagAlign | kFlagNested | kFlagResume;

}  // namespace

/// Here a system call's trap costs next to nothing.
PhysAddr bridge_table() { return PhysAddr(); }

abi::control::Build build() { return abi::control::Build::Isolated; }

void set_kernel_gs(PerCpu& cpu) { wrmsr(kMsrGsBase, reinterpret_cast<u64>(&cpu)); }

void init_entry() {
    wrmsr(kMsrStar, u64{ASTRA_USER32_CS} << 48 | u64{ASTRA_KERNEL_CS} << 32);
    wrmsr(kMsrLstar, reinterpret_cast<u64>(syscall_entry));
    wrmsr(kMsrCstar, reinterpret_cast<u64>(syscall32_entry));
    wrmsr(kMsrFmask, kClearedAtEntry);
    wrmsr(kMsrKernelGsBase, 0);
}

void set_kernel_stack(void* stack_top) {
    PerCpu& cpu = this_cpu();
    cpu.kernel_stack = reinterpret_cast<u64>(stack_top);
    cpu.build.tables.tss.rsp[0] = cpu.kernel_stack;
}

void return_to_user() {
    UserRegisters& regs = user_registers();
    astra_finish_return(&regs);
    astra_resume_user(&regs);
}

u64 get_fs_base() { return cpu_features().fsgsbase ? rdfsbase() : rdmsr(kMsrFsBase); }

void set_fs_base(u64 base) {
    if (cpu_features().fsgsbase) {
        wrfsbase(base);
    } else {
        wrmsr(kMsrFsBase, base);
    }
}

// While the kernel runs, the program's GS base waits in the MSR that swapgs exchanges; swapping twice is
// cheaper than touching the MSR, but no interrupt may see the state between.
u64 get_user_gs_base() {
    if (!cpu_features().fsgsbase) return rdmsr(kMsrKernelGsBase);
    bool enabled = interrupts_disable();
    asm volatile("swapgs");
    u64 base = rdgsbase();
    asm volatile("swapgs");
    interrupts_restore(enabled);
    return base;
}

void set_user_gs_base(u64 base) {
    if (!cpu_features().fsgsbase) return wrmsr(kMsrKernelGsBase, base);
    bool enabled = interrupts_disable();
    asm volatile("swapgs");
    wrgsbase(base);
    asm volatile("swapgs");
    interrupts_restore(enabled);
}

}  // namespace astra::arch
