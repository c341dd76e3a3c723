// Idling: the clock jumps to the armed deadline. Apart from time.cpp because it needs the scheduler's upcall.
#include <cstdio>
#include <cstdlib>

#include "guest_kernel/arch/host/host.hpp"

namespace astra::arch {

void idle_wait() {
    u64 deadline = host::armed_deadline(), now = now_ns();
    if (deadline == 0) {
        fprintf(stderr, "idle_wait: no timer is armed, nothing will ever happen\n");
        abort();
    }
    if (deadline > now) host::advance_clock(deadline - now);
    arm_timer(0);
    handle_timer_interrupt();
}

}  // namespace astra::arch
