// Which thread this is, in one instruction, and whether there are others.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::thread {

/// A word that is different for every thread that runs, never 0: its thread pointer (System V ABI for x86-64,
/// thread-local storage: the word at FS:0 is its own address).
inline u64 identity() {
    u64 self;
    asm("mov %%fs:0, %0" : "=r"(self));
    return self;
}

namespace detail {
/// Whether a thread was ever started; then for ever. Beside a C library others start threads, unseen.
#ifdef ASTRA_RUNTIME_HOSTED
inline constexpr bool started_any = true;
#else
inline bool started_any = false;
#endif
}  // namespace detail

/// Whether the process may have a second thread.
inline bool has_others() { return detail::started_any; }

}  // namespace astra::thread
