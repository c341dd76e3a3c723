// The bare making and leaving of threads.
#pragma once
#include "guest_kernel/base/types.hpp"

extern "C" {
/// clone(2): `run(argument)` on a new stack that ends at `stack_top`, with FS at `tls` when the flags say so.
/// Answers the new id or -errno. `run` must not return.
astra::i64 astra_clone(astra::u64 flags, void* stack_top, void (*run)(void*), void* argument, astra::u64 tls,
                       void* child_tid);

/// Unmaps the calling thread's own stack and ends it. Signals must be blocked: there is nowhere to handle
/// them.
[[noreturn]] void astra_leave_thread(void* stack, astra::usize size);
}
