// The host's clock, with a hand a test can push, and the one-shot timer.
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "guest_kernel/arch/host/host.hpp"

namespace astra::arch {

namespace {

u64 skew_ns, deadline;

u64 host_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * u64{1'000'000'000} + now.tv_nsec;
}

}  // namespace

u64 now_ns() {
    static const u64 start = host_ns();
    return host_ns() - start + skew_ns;
}
TscClock tsc_clock() { return {0, 0}; }
u64 tsc_hz() { return 1'000'000'000; }
u64 read_tsc() { return now_ns(); }
void arm_timer(u64 deadline_ns) { deadline = deadline_ns; }
i64 read_rtc() { return time(nullptr); }
bool pit_clock() { return false; }

namespace host {

void advance_clock(u64 ns) { skew_ns += ns; }
u64 armed_deadline() { return deadline; }

}  // namespace host

}  // namespace astra::arch
