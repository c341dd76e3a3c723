// TSC clock and timers.
#include "guest_kernel/arch/x86_64/clock.hpp"

#include <algorithm>

#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/arch/x86_64/apic.hpp"
#include "guest_kernel/arch/x86_64/boot.hpp"
#include "guest_kernel/arch/x86_64/cpu_features.hpp"
#include "guest_kernel/arch/x86_64/instructions.hpp"
#include "guest_kernel/arch/x86_64/interrupts.hpp"
#include "guest_kernel/arch/x86_64/percpu.hpp"
#include "guest_kernel/arch/x86_64/pit.hpp"
#include "guest_kernel/drivers/command_line.hpp"

extern "C" const astra::u64 boot_tsc;  // boot.S

namespace astra::arch {

namespace {

constexpr u64 kNsPerSecond = 1'000'000'000;

/// a * b / 2^32, for factors kept as 32.32 fixed point.
u64 scale(u64 a, u64 b) { return static_cast<u64>((static_cast<unsigned __int128>(a) * b) >> 32); }

struct Clock {
    u64 start_tsc = 0;  // TSC when now_ns() was 0
    u64 tsc_hz = 0;
    u64 ns_per_tick = 0;   // 32.32
    u64 ticks_per_ns = 0;  // 32.32
    u64 apic_per_ns = 0;   // 32.32; timer without deadline mode
    bool pit_ticks = false;
};
constinit Clock clock;

/// The three counters at one moment.
struct Look {
    u64 tsc;
    u32 apic;
    u16 pit;
    u64 doubt;  // TSC ticks between which the PIT was latched
};
Look look() {
    u64 before = rdtsc_ordered();
    pit::latch();
    u64 after = rdtsc_ordered();
    u32 apic = lapic::timer_count();
    return {before + (after - before) / 2, apic, pit::read_latched(), after - before};
}

/// Sums over kLooks looks, of what each counter had done since `origin`: the mean is finer than the PIT's
/// step of 838 ns.
constexpr usize kLooks = 16;
struct Sample {
    u64 tsc = 0, apic = 0, pit = 0;
    u64 doubt = ~u64{0};  // of the best look
};
Sample sample(const Look& origin) {
    Look looks[kLooks];
    Sample sum;
    for (Look& each : looks) {
        each = look();
        sum.doubt = std::min(sum.doubt, each.doubt);
    }
    const Look* good = std::ranges::min_element(looks, {}, &Look::doubt);
    for (const Look& each : looks) {
        // One that something came between counts as the good one before it.
        if (each.doubt <= 2 * sum.doubt) good = &each;
        sum.tsc += good->tsc - origin.tsc;
        sum.apic += origin.apic - good->apic;
        sum.pit += static_cast<u16>(origin.pit - good->pit);
    }
    return sum;
}

/// Measures TSC and LAPIC timer over 2 ms of the PIT; over up to 16 ms on a machine so busy that its counters
/// cannot be read together. False when it must be done again.
bool measure_frequencies() {
    constexpr u64 kWindow = pit::kHz / 500, kLongest = 8 * kWindow, kPrecision = 4000;
    constexpr u64 kFastestTsc = 8 * kNsPerSecond;
    pit::start_free_running();
    lapic::init_timer(0, false);
    lapic::set_timer_count(~u32{0});
    (void)look();  // the code's first run is slower than the others
    Look origin = look();
    Sample first = sample(origin), last;
    do last = sample(origin);
    while (last.pit < kLooks * kWindow ||
           (last.pit < kLooks * kLongest && (first.doubt + last.doubt) * kPrecision > last.tsc / kLooks));
    lapic::set_timer_count(0);
    u64 elapsed = last.pit - first.pit, apic = last.apic - first.apic;
    if (last.tsc <= first.tsc) boot_failure("the interval timer does not count");
    clock.tsc_hz = (last.tsc - first.tsc) * pit::kHz / elapsed;
    clock.apic_per_ns = (apic * pit::kHz / elapsed << 32) / kNsPerSecond;
    // Faster than any: this CPU was away so long (55 ms) that the PIT has gone round.
    return clock.tsc_hz < kFastestTsc;
}

/// Programs this CPU's timer for `deadline` (ns) or earlier.
void program_timer(u64 deadline) {
    if (cpu_features().tsc_deadline) {
        constexpr u64 kFar = u64{1} << 62;
        return lapic::set_timer_deadline(clock.start_tsc +
                                         scale(std::min(deadline, kFar), clock.ticks_per_ns));
    }
    constexpr u64 kLongest = kNsPerSecond;  // fits the 32-bit counter at any bus frequency below 4 GHz
    u64 now = now_ns(), wait = deadline > now ? deadline - now : 0;
    lapic::set_timer_count(static_cast<u32>(scale(std::min(wait, kLongest), clock.apic_per_ns)) + 1);
}

void on_timer(void*) {
    u64 deadline = this_cpu().timer_deadline;
    if (deadline > now_ns()) return program_timer(deadline);
    this_cpu().timer_deadline = 0;
    handle_timer_interrupt();
}

/// The PIT interrupts the first CPU only: it ticks for all.
void on_pit_tick(void*) { handle_timer_interrupt(); }

}  // namespace

void init_clock() {
    const CpuFeatures& cpu = cpu_features();
    clock.tsc_hz = cpu.tsc_khz * 1000;
    clock.apic_per_ns = (cpu.apic_timer_khz * 1000 << 32) / kNsPerSecond;
    if (clock.tsc_hz == 0 || (clock.apic_per_ns == 0 && !cpu.tsc_deadline))
        while (!measure_frequencies()) {}
    clock.ns_per_tick = static_cast<u64>((static_cast<unsigned __int128>(kNsPerSecond) << 32) / clock.tsc_hz);
    clock.ticks_per_ns =
        static_cast<u64>((static_cast<unsigned __int128>(clock.tsc_hz) << 32) / kNsPerSecond);
    clock.start_tsc = boot_tsc;
    clock.pit_ticks = command_line_value("clock") == "pit";
}

void init_timer() {
    // A fresh vector each: neither can be taken.
    (void)set_vector(kVectorTimer, on_timer, nullptr);
    init_cpu_timer();
    if (!clock.pit_ticks) return;
    // IRQ 0 arrives on pin 2 where the board follows the PC (QEMU), on pin 0 where lines are not swapped.
    if (!install_irq(0, on_pit_tick, nullptr) || !install_irq(2, on_pit_tick, nullptr))
        boot_failure("no interrupt line for the interval timer");
    pit::start_tick();
}

void init_cpu_timer() { lapic::init_timer(kVectorTimer, cpu_features().tsc_deadline); }

u64 read_tsc() { return rdtsc(); }
u64 tsc_hz() { return clock.tsc_hz; }
TscClock tsc_clock() { return {clock.start_tsc, clock.ns_per_tick}; }
bool pit_clock() { return clock.pit_ticks; }

u64 now_ns() { return scale(rdtsc() - clock.start_tsc, clock.ns_per_tick); }

void arm_timer(u64 deadline_ns) {
    if (clock.pit_ticks) return;
    bool enabled = interrupts_disable();
    this_cpu().timer_deadline = deadline_ns;
    if (deadline_ns) {
        program_timer(deadline_ns);
    } else if (cpu_features().tsc_deadline) {
        lapic::set_timer_deadline(0);
    } else {
        lapic::set_timer_count(0);
    }
    interrupts_restore(enabled);
}

void busy_wait_ns(u64 ns) {
    for (u64 end = now_ns() + ns; now_ns() < end;) spin_pause();
}

}  // namespace astra::arch
