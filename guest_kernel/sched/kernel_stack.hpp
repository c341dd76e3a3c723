// Kernel stacks: mapped with a guard page below, and kept for reuse because mapping one is dear.
#pragma once
#include "guest_kernel/sched/thread.hpp"

namespace astra::sched {

/// A stack from the cache, or a new one. Its contents are undefined. Errors: ENOMEM.
Result<KernelStack> take_kernel_stack();
/// Gives a stack back. Any context that may take spin locks.
void return_kernel_stack(const KernelStack& stack);

}  // namespace astra::sched
