// Between the builds' entry code and the trap handlers they share.
#pragma once
#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/arch/x86_64/percpu.hpp"

namespace astra::arch {

/// Points this CPU's GS at `cpu`: this_cpu() works from then on.
void set_kernel_gs(PerCpu& cpu);
/// What entries, exceptions and interrupts need before anything else: control registers, GS, descriptor
/// tables. `emergency_stacks`: as init_cpu.
void init_privileged_state(PerCpu& cpu, void* const (&emergency_stacks)[2]);
/// Sets up this CPU's system call entry.
void init_entry();

/// From entry code, C linkage; interrupts are off at the call and at the return.
extern "C" {
/// An interrupt or exception while a program ran. On return `regs` may be resumed as they are.
void astra_trap_from_user(u64 vector, u64 error_code, UserRegisters* regs);
/// The same while the kernel ran.
void astra_trap_from_kernel(u64 vector, u64 error_code, UserRegisters* regs);
/// NMI, #DF or #MC: on a stack of its own, in any state.
void astra_emergency_trap(u64 vector, u64 error_code, UserRegisters* regs);
/// Last step of every way back: repeats prepare_return_to_user until no interrupt came in between, then makes
/// `regs` safe to load whatever the kernel core wrote there.
void astra_finish_return(UserRegisters* regs);
}

}  // namespace astra::arch
