// What the kernel offers to arch code: the entries through which the CPU reaches it.
#pragma once
#include <string_view>

#include "guest_kernel/arch/arch.hpp"

namespace astra {

/// What the boot loader said, in terms of this machine. Pointers lie in the direct map.
struct BootInfo {
    struct Range {
        PhysAddr base{};
        u64 size = 0;
    };
    std::span<const Range> ram;     // usable RAM, the kernel image and boot data excluded
    std::string_view command_line;  // set_command_line has seen it
    Range image;                    // PVH module 0: the root file system's TAR; size 0: none
};

/// First CPU, on its boot stack, interrupts off, page tables final, now_ns() running.
[[noreturn]] void kernel_main(const BootInfo& boot);
/// Every other CPU, on its idle stack, interrupts off.
[[noreturn]] void kernel_secondary_main(u32 cpu);

/// A `syscall` instruction: number in orig_rax, arguments in rdi rsi rdx r10 r8 r9; the answer goes to rax.
/// Entered with interrupts on. Calls prepare_return_to_user before it returns.
extern "C" void astra_handle_syscall(arch::UserRegisters* regs);

struct FaultInfo {
    u64 address;
    bool write, execute, present, from_user;
};
/// Page fault on a program address. From user mode the kernel resolves it or posts a signal (true either
/// way). From a user copy: true resolved, false take the copy's fixup. Entered with interrupts on unless they
/// were off.
bool handle_page_fault(const FaultInfo& fault, arch::UserRegisters* regs);

/// Replaces the bytes `old` of the current program's code at `at` by as many others, in a copy of their page
/// that the process keeps for itself: a CPU executes either all of the old bytes or all of the new ones.
/// False when what is there is not code of a file that the program cannot write, is not `old`, or crosses a
/// page. What the program does to such a page later (mprotect, mremap) brings the old bytes back. May sleep.
bool rewrite_program_code(UserAddr at, std::span<const u8> old, std::span<const u8> now);

/// Any other exception a program raised: vector, error code. Posts the signal Linux would
/// (arch/x86/kernel/traps.c).
void handle_user_exception(u32 vector, u64 error_code, arch::UserRegisters* regs);

/// This CPU's timer fired. Interrupt context.
void handle_timer_interrupt();
/// Runs with interrupts on, just before a program continues after a syscall, exception or interrupt from user
/// mode: reschedules, delivers signals. `regs` may be rewritten (signal frames).
void prepare_return_to_user(arch::UserRegisters* regs);

/// Something that cannot be: an exception in the kernel. Prints and reports, ends the machine.
struct KernelTrap {
    u64 vector, error_code, rip, rsp, rflags, cr2;
    const u64* general;
};  // general: r15..rdi order
[[noreturn]] void panic_trap(const KernelTrap& trap);
/// Formats like printf (see base/format.hpp). Reaches the console and, as an event, the control port.
[[noreturn]] void panic(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace astra
