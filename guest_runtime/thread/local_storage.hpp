// Thread-local storage of static programs: System V ABI for x86-64, "variant II": the variables lie below the
// thread pointer (FS), which points at itself.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::thread {

/// Bytes that a thread's variables and its control block take, and how they must be aligned.
usize storage_size();
usize storage_alignment();

/// Fills `memory` (storage_size() bytes, aligned) with the initial values and answers the thread pointer for
/// it.
u64 init_storage(void* memory);

/// Gives the first thread its storage. Panics cannot be printed before this.
void init_main_storage();

/// Runs the destructors of this thread's thread_local objects, last made first.
void run_local_destructors();

}  // namespace astra::thread
