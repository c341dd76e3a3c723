// The clock: nanoseconds from the TSC, and each CPU's timer.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::arch {

/// Learns the frequencies (from CPUID, else by measuring against the PIT). now_ns() counts from kernel entry.
void init_clock();
/// Starts the way time interrupts come: LAPIC timers, or with clock=pit the PIT at 1000 Hz. First CPU, after
/// interrupts.
void init_timer();
/// This CPU's part of it.
void init_cpu_timer();
/// Waits without sleeping, for the start-up sequences.
void busy_wait_ns(u64 ns);

}  // namespace astra::arch
