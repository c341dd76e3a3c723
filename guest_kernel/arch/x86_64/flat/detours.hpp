// Detours: system calls without a trap where the instruction before the `syscall` cannot be moved, but the
// one behind it can (`cmp $imm32, %rax`, as in glibc's and Go's wrappers). A jump takes the place of the
// `syscall` and of the first three bytes behind it. The displacement's second byte, where the moved
// instruction began, is int3: whoever jumps there, or is put there by a signal's return, is caught and goes
// on in the detour. As with bridges, nothing that a program sees lies on a detour.
#pragma once
#include "guest_kernel/arch/arch.hpp"

namespace astra::arch {

/// Rewrites the site of the `syscall` at `address`, if it is one that a detour can stand for. Interrupts on;
/// may sleep.
void make_detour(u64 address);

/// A system call came from the detour that regs.rip is to come back to: gives `regs` what the `syscall`
/// leaves in rip and rcx, the address behind it, and returns that.
u64 enter_from_detour(UserRegisters& regs);

/// A program was interrupted: when that was on a detour, moves it to where it would be without.
void leave_detour(UserRegisters& regs);

/// An exception with `vector` that there would not be without detours: undone, true. It is so with the int3
/// in a jump; with a step onto a detour and with a program whose GS base is its own, for which the `syscall`
/// is put back. Interrupts on; may sleep.
bool undo_detour_exception(u64 vector, UserRegisters& regs);

}  // namespace astra::arch
