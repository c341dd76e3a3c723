// How much memory the caller may lock.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::syscalls {

/// Bytes the current process may have locked in all: RLIMIT_MEMLOCK, or no limit with CAP_IPC_LOCK.
u64 lock_limit();

}  // namespace astra::syscalls
