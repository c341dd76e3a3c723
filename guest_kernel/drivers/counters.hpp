// The counters region (abi/counters.hpp), kernel side: each CPU adds to its own block.
#pragma once
#include "guest_kernel/abi/counters.hpp"
#include "guest_kernel/base/result.hpp"

namespace astra::counters {

/// Finds or allocates the region for `cpus` CPUs and writes its head.
Result<void> init(u32 cpus);
u64 phys();
u64 size();
/// This CPU's block. Interrupts may be on: only interrupt-owned cells are written by interrupts.
abi::counters::CpuCounters& local();
/// Bits of abi::counters::Control the host set.
u32 control();
/// Writers: one aligned store each, so that the host never sees a torn value.
inline void add(u64& cell, u64 amount = 1) { __atomic_store_n(&cell, cell + amount, __ATOMIC_RELAXED); }
inline void raise_to(u64& cell, u64 value) {
    if (value > cell) __atomic_store_n(&cell, value, __ATOMIC_RELAXED);
}

void syscall_entered(u32 row);
void syscall_left(u32 row, bool error, u64 elapsed_ns, u64 blocked_ns);
void unknown_syscall(u64 number);

}  // namespace astra::counters
