// Checks of clocks, timers and device interrupts.
#include <algorithm>
#include <atomic>

#include "guest_kernel/abi/machine.hpp"
#include "tests/guest/arch/selftest.hpp"

extern "C" const char program_spin[];

namespace astra::selftest {

namespace {

constexpr u64 kMs = 1'000'000;
constexpr UserAddr kPage(0x1234'5000);
std::atomic<u32> ticks;
std::atomic<u64> fired_at;

void clock_runs() {
    require(arch::tsc_hz() > 100'000'000 && arch::tsc_hz() < 10'000'000'000,
            "the TSC's frequency is plausible");
    u64 tsc = arch::read_tsc(), last = arch::now_ns();
    while (arch::now_ns() < last + 20 * kMs) {}
    u64 ticks_seen = arch::read_tsc() - tsc, expected = arch::tsc_hz() / 50;
    require(ticks_seen >= expected && ticks_seen < expected * 2, "nanoseconds follow the TSC");
    for (u32 i = 0; i < 10000; i++) {
        u64 now = arch::now_ns();
        require(now >= last, "time does not run backwards");
        last = now;
    }
}

void rtc_is_plausible() {
    i64 now = arch::read_rtc();
    require(now > 1'600'000'000 && now < 7'000'000'000, "the wall clock is in this century");
    say("       wall clock %ld\n", now);
}

/// Waits `wait` nanoseconds for the timer. Returns how much later it fired.
u64 lateness_of(u64 wait) {
    ticks = 0;
    u64 deadline = arch::now_ns() + wait;
    arch::arm_timer(deadline);
    while (ticks == 0) arch::idle_wait();
    require(!arch::interrupts_enabled(), "idling ends with interrupts off");
    require(fired_at >= deadline, "the timer is not early");
    return fired_at - deadline;
}

void timer_fires_on_time() {
    if (arch::pit_clock()) return;
    hooks.timer = [] {
        fired_at = arch::now_ns();
        ticks++;
    };
    for (u64 wait : {1 * kMs, 5 * kMs, 1500 * kMs, u64{0}}) {
        u64 least_late = ~u64{0};
        // A machine whose host has other work can be late by anything; one whose timer is wrong always is.
        for (u32 attempt = 0; attempt < 3 && least_late >= 500 * kMs; attempt++)
            least_late = std::min(least_late, lateness_of(wait));
        require(least_late < 500 * kMs, "the timer is not very late");
    }
    ticks = 0;
    arch::arm_timer(arch::now_ns() + 5 * kMs);
    arch::arm_timer(0);
    arch::interrupts_enable();
    for (u64 end = arch::now_ns() + 20 * kMs; arch::now_ns() < end;) arch::spin_pause();
    arch::interrupts_disable();
    require(ticks == 0, "a disarmed timer is silent");
}

void pit_ticks() {
    if (!arch::pit_clock()) return;
    ticks = 0;
    hooks.timer = [] { ticks++; };
    u64 start = arch::now_ns();
    while (ticks < 200) arch::idle_wait();
    u64 elapsed = arch::now_ns() - start;
    say("       200 ticks in %lu us\n", elapsed / 1000);
    require(elapsed > 150 * kMs && elapsed < 600 * kMs, "the PIT ticks at 1000 Hz");
}

void timer_interrupts_programs() {
    require(program_tables().map(kPage, new_frame(), kReadWrite).has_value(), "a page can be mapped");
    static bool seen_in_return;
    seen_in_return = false;
    ticks = 0;
    hooks.timer = [] { ticks++; };
    hooks.prepare_return = [](arch::UserRegisters& regs) {
        if (ticks == 0) return;
        require(regs.cs == 0x33 && regs.orig_rax == ~u64{0}, "the program was interrupted");
        u64 word = 77;
        require(arch::copy_to_user(kPage, &word, sizeof word) == 0, "its memory can be written");
        seen_in_return = true;
    };
    arch::arm_timer(arch::now_ns() + 2 * kMs);
    require(run_program(program_spin, kPage.raw()) == 77, "the program saw the word change");
    require(seen_in_return, "the kernel was asked before the program continued");
    program_tables().unmap(kPage);
    arch::flush_tlb(1, kPage, kPage + kPageSize);
}

void device_interrupts_arrive() {
    constexpr u16 kUart = abi::machine::kPortUart;
    constexpr u8 kOut2 = 8, kTransmitterEmpty = 2;
    static std::atomic<u32> interrupts;
    auto handler = [](void* count) {
        arch::port_in8(kUart + 2);  // reading IIR acknowledges "transmitter empty"
        ++*static_cast<std::atomic<u32>*>(count);
    };
    require(arch::install_irq(4, handler, &interrupts).has_value(), "IRQ 4 can be had");
    require(arch::install_irq(4, handler, &interrupts).error() == Errno::kEBUSY, "but only once");
    require(arch::install_irq(1000, handler, &interrupts).error() == Errno::kEINVAL,
            "line 1000 does not exist");
    arch::port_out8(kUart + 4, kOut2);
    for (u32 i = 1; i <= 20; i++) {
        arch::port_out8(kUart + 1, kTransmitterEmpty);  // enabling it with an empty transmitter interrupts
        u64 end = arch::now_ns() + 500 * kMs;
        arch::interrupts_enable();
        while (interrupts < i && arch::now_ns() < end) arch::spin_pause();
        arch::interrupts_disable();
        require(interrupts == i, "one interrupt for each time it is asked for");
        arch::port_out8(kUart + 1, 0);
    }
}

constexpr Check kChecks[] = {
    {"clock", clock_runs},
    {"real-time clock", rtc_is_plausible},
    {"timer", timer_fires_on_time},
    {"PIT ticks", pit_ticks},
    {"timer interrupts programs", timer_interrupts_programs},
    {"device interrupts", device_interrupts_arrive},
};

}  // namespace

std::span<const Check> time_checks() { return kChecks; }

}  // namespace astra::selftest
