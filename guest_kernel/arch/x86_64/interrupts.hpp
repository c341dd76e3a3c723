// Interrupt vectors and who handles them.
#pragma once
#include "guest_kernel/arch/arch.hpp"

namespace astra::arch {

// Vectors, by priority class (Intel SDM vol. 3, 10.8.3.1): devices below, the kernel's own above.
inline constexpr u32 kVectorGsi = 0x30;  // GSI n: kVectorGsi + n
inline constexpr u32 kVectorMsi = 0x80;  // message-signalled, in order of installation
inline constexpr u32 kVectorMsiEnd = 0xe0;
inline constexpr u32 kVectorReschedule = 0xf0;
inline constexpr u32 kVectorTimer = 0xf1;
inline constexpr u32 kVectorFlush = 0xf2;  // TLB shootdown
inline constexpr u32 kVectorSpurious = 0xff;

/// Enters `handler` for `vector`. EBUSY when there is one.
Result<void> set_vector(u32 vector, void (*handler)(void*), void* argument);
/// Runs the vector's handler; interrupts are off. A vector nobody asked for is acknowledged and forgotten.
void dispatch_interrupt(u64 vector);

/// Masks the 8259s, finds the IOAPIC, starts this CPU's LAPIC. Once, on the first CPU.
void init_interrupts();
/// True from stop_other_cpus on: an NMI then ends its CPU.
bool is_stopping();

}  // namespace astra::arch
