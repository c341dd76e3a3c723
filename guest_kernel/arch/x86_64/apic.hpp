// The local APIC (Intel SDM vol. 3, chapter 10): by MSR in x2APIC mode, by memory otherwise.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::arch::lapic {

/// Enables this CPU's LAPIC, everything but its own interrupts masked.
void init();
u32 id();
void end_of_interrupt();

/// Fixed interrupt `vector` to one CPU.
void send(u32 apic_id, u32 vector);
void send_nmi_to_others();
/// The start-up sequence's messages; `page` is the physical page number the CPU starts at.
void send_init(u32 apic_id);
void send_startup(u32 apic_id, u32 page);

/// Prepares this CPU's timer: raises `vector` when it ends; masked when `vector` is 0.
void init_timer(u32 vector, bool deadline_mode);
/// Counts down once from `count` at the bus frequency; 0 stops it. Not in deadline mode.
void set_timer_count(u32 count);
/// What is left of the count.
u32 timer_count();
/// Deadline mode: ends when the TSC reaches `tsc`; 0 disarms.
void set_timer_deadline(u64 tsc);

}  // namespace astra::arch::lapic
