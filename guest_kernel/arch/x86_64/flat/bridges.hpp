// System calls without a trap. Where a `syscall` has trapped often, the instruction before it (`mov $number,
// %eax`) is replaced by a jump to a bridge, which carries it out and jumps into the kernel (entry.S:
// flat_direct_entry). The `syscall` stays: whoever jumps to it, and whoever is stopped on a bridge, goes on
// there and traps. So nothing that a program, its signal handlers or its debugger see lies on a bridge.
//
// Bridges depend on the address and number they stand for alone: all processes share them, and they stay.
#pragma once
#include "guest_kernel/arch/arch.hpp"

namespace astra::arch {

/// A system call came by the instruction at regs.rip - 2: counts it, and rewrites the site when it is worth
/// it. Interrupts on; may sleep.
void trapped_call(const UserRegisters& regs);

/// A program was interrupted: when that was on a bridge, moves it to the `syscall` the bridge stands for.
void leave_bridge(UserRegisters& regs);

}  // namespace astra::arch
