// Memory for tests of the kernel core: the host arena as RAM, given to the frame allocator once per program.
#pragma once
#include "guest_kernel/arch/host/host.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::test {

inline void start_memory() {
    static const bool started = [] {
        mm::init_frames({&arch::host::kRam, 1});
        return true;
    }();
    (void)started;
}

}  // namespace astra::test
