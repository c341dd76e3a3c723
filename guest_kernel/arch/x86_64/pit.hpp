// The i8254 interval timer (Intel 8254 data sheet), counter 0: what the TSC is measured against, and the 1000
// Hz tick.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::arch::pit {

inline constexpr u64 kHz = 1'193'182;
inline constexpr u32 kTickHz = 1000;

/// Lets counter 0 run from 65536 down to 0, again and again.
void start_free_running();
/// Holds counter 0's count of now for read_latched().
void latch();
u16 read_latched();
/// Raises IRQ 0 at kTickHz (to the nearest count).
void start_tick();

}  // namespace astra::arch::pit
