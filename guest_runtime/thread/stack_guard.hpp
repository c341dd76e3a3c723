// Stack overflow is reported, not a silent crash: the guard page below a stack faults, and a handler on a
// stack of its own says which thread it was.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::thread {

/// Bytes of the alternate signal stack: the frame with AVX-512 state (2.7 KiB, more with AMX) and the
/// handler.
inline constexpr usize kAlternateStack = 16384;

/// For the calling thread: faults in [guard, guard + size) are overflows of its stack. With size 0 (the first
/// thread, whose stack the kernel grows) those just below the stack pointer are. Installs the SIGSEGV handler
/// with the first call; `alternate` is kAlternateStack bytes for it, 0 for a static stack (first thread).
void install_stack_guard(u64 guard, usize size, u64 alternate = 0);

}  // namespace astra::thread
