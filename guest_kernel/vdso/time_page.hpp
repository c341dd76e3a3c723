// The page through which the kernel tells programs how to read the clocks. It lies just below the vDSO's
// code.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::vdso {

struct TimePage {
    u32 sequence;  // odd while the kernel writes; read again when it changed
    u32 reserved;
    u64 start_tsc;     // TSC when the monotonic clock was 0
    u64 ns_per_tick;   // 32.32 fixed point; 0: ask the kernel
    u64 offset_ns[2];  // on the monotonic clock, on the real one: what they are ahead of it
};

}  // namespace astra::vdso
