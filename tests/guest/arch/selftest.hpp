// A kernel that tests the arch contract from inside a machine: named checks, run in order, then the exit
// doorbell.
#pragma once
#include "guest_kernel/arch/upcalls.hpp"

namespace astra::selftest {

/// One check: returns when it holds, ends the machine through `require` when not.
struct Check {
    const char* name;
    void (*run)();
};

/// Prints to the serial port.
void say(const char* format, ...) __attribute__((format(printf, 1, 2)));
/// Ends the machine with a message when `holds` is false.
void require(bool holds, const char* what);
/// The boot information, for checks.
const BootInfo& boot_info();
/// A zeroed frame of RAM.
PhysAddr new_frame();
/// Top of a new kernel stack.
u8* new_stack();

/// What the kernel core would do: checks put their own functions here. Null: the event fails the test.
struct Hooks {
    /// Program's system call other than kExitCall: the answer.
    u64 (*syscall)(arch::UserRegisters&);
    bool (*page_fault)(const FaultInfo&, arch::UserRegisters&);
    void (*exception)(u32 vector, u64 error_code, arch::UserRegisters&);
    void (*timer)();
    /// May stay null: nothing to do.
    void (*prepare_return)(arch::UserRegisters&);
    void (*trap)(const KernelTrap&);
    void (*secondary)(u32 cpu);
};
extern Hooks hooks;

/// What programs' pages allow.
inline constexpr arch::PageFlags kReadOnly = arch::PageFlags::Present | arch::PageFlags::User;
inline constexpr arch::PageFlags kReadWrite = kReadOnly | arch::PageFlags::Write;
inline constexpr arch::PageFlags kReadExecute = kReadOnly | arch::PageFlags::Execute;

/// System call by which a program ends; rdi is its result.
inline constexpr u64 kExitCall = 1000;
/// Where run_program puts the code, and the top of the stack it provides.
inline constexpr UserAddr kCode(0x40'0000), kStackTop(0x80'0000);
/// Runs program code (program.S) from `entry` with rdi = `argument`; returns its result.
u64 run_program(const char* entry, u64 argument);
/// The address space programs run in, its code and one stack page mapped.
arch::PageTable& program_tables();

std::span<const Check> memory_checks();
std::span<const Check> program_checks();
std::span<const Check> time_checks();
std::span<const Check> cpu_checks();
/// A kernel stack overflow; ends the machine as a success when it is caught.
[[noreturn]] void overflow_stack();
/// Runs window.cpp's program until the host ends the machine.
void run_entry_window();

}  // namespace astra::selftest
