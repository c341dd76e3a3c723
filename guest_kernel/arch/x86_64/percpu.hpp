// What each CPU keeps for itself, reached through GS while the kernel runs.
#pragma once
#include <atomic>
#include <cstddef>

#include "guest_kernel/arch/arch.hpp"
#if ASTRA_BUILD_FLAT
#include "guest_kernel/arch/x86_64/flat/percpu.hpp"
#else
#include "guest_kernel/arch/x86_64/isolated/percpu.hpp"
#endif
#include "guest_kernel/arch/x86_64/percpu.h"

namespace astra::arch {

/// A TLB invalidation one CPU asks of others. Written by its owner, read by those it asks while they have not
/// answered.
struct FlushRequest {
    u64 start = 0, end = 0;
    std::atomic<u64> waiting_for{0};  // CPUs that have not done it yet
};

struct alignas(kPerCpuAlignment) PerCpu {
    PerCpu* self = nullptr;
    u64 kernel_stack = 0;  // top of the current thread's kernel stack: where entries from user mode land
    u64 user_sp = 0;       // scratch of the system call entry
    u32 index = 0;
    u32 recheck = 0;  // an interrupt came while the kernel ran: look again before going back to the program
    void* local = nullptr;

    u32 apic_id = 0;
    u64 timer_deadline = 0;  // ns; 0: not armed
    std::atomic<bool> online{false};
    std::atomic<u64> flush_asked_by{0};  // CPUs whose `flush` this one must serve
    FlushRequest flush;
    std::atomic<bool> idle{false};  // halted: touches no program memory until it has looked at flush_owed
    std::atomic<bool> flush_owed{false};  // a flush of the program half it was spared while idle
    PerCpuBuild build;                    // what only this build needs
};
static_assert(offsetof(PerCpu, self) == PERCPU_SELF &&
              offsetof(PerCpu, kernel_stack) == PERCPU_KERNEL_STACK &&
              offsetof(PerCpu, user_sp) == PERCPU_USER_SP && offsetof(PerCpu, index) == PERCPU_INDEX &&
              offsetof(PerCpu, recheck) == PERCPU_RECHECK && offsetof(PerCpu, local) == PERCPU_LOCAL);
static_assert(offsetof(UserRegisters, r11) == REGS_R11 && offsetof(UserRegisters, rcx) == REGS_RCX &&
              offsetof(UserRegisters, orig_rax) == REGS_ORIG_RAX &&
              offsetof(UserRegisters, rip) == REGS_RIP && offsetof(UserRegisters, cs) == REGS_CS &&
              offsetof(UserRegisters, rflags) == REGS_RFLAGS && offsetof(UserRegisters, rsp) == REGS_RSP &&
              offsetof(UserRegisters, ss) == REGS_SS && sizeof(UserRegisters) == REGS_SIZE);

extern PerCpu per_cpu[kMaxCpus];

/// This CPU's block.
inline PerCpu& this_cpu() {
    PerCpu* cpu;
    asm volatile("mov %%gs:%c1, %0" : "=r"(cpu) : "i"(PERCPU_SELF));
    return *cpu;
}

/// Prepares this CPU to run kernel code and take traps: control registers, GS, descriptor tables, entry
/// points, FPU. `emergency_stacks`: tops of two stacks, with room for a word above (load_descriptor_tables).
void init_cpu(u32 index, void* const (&emergency_stacks)[2]);

}  // namespace astra::arch
