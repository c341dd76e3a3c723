// Which thread this is, in one instruction.
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

}  // namespace astra::thread
