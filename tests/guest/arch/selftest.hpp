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

/// Checks of memory: what the boot tables and the page tables promise.
std::span<const Check> memory_checks();

}  // namespace astra::selftest
