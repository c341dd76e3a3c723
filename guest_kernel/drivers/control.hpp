// The control port (abi/control.hpp): the kernel's own agent. Reports to the host and spawns what it asks
// for.
#pragma once
#include <span>

#include "guest_kernel/base/result.hpp"

namespace astra {

/// Starts serving once the port and the scheduler are up; sends Hello.
void start_control(u64 counters_phys, u64 counters_size);
/// Tells the host that a process was killed because memory ran out.
void report_out_of_memory(int pid, const char* name, u64 resident_bytes);
/// Sends Panicked with its report, polled; usable in any state of the machine.
void report_panic(u64 rip, std::span<const char> report);
/// reboot(2), power-off and the end of everything: flushes what was sent and leaves through the exit
/// doorbell.
[[noreturn]] void shut_down();

}  // namespace astra
