// Checks of several CPUs: start, interrupts between them, shootdowns under load.
#include <atomic>

#include "guest_kernel/drivers/command_line.hpp"
#include "tests/guest/arch/selftest.hpp"

namespace astra::selftest {

namespace {

constexpr u64 kSecond = 1'000'000'000;
constexpr UserAddr kPage(0x2000'0000);

std::atomic<u32> arrived, phase, done;
std::atomic<u64> wakeups[arch::kMaxCpus];
u64 locals[arch::kMaxCpus];

void wait_for(const std::atomic<u32>& value, u32 wanted, const char* what) {
    u64 end = arch::now_ns() + 20 * kSecond;
    while (value.load() < wanted) {
        require(arch::now_ns() < end, what);
        arch::spin_pause();
    }
}

u64 all_cpus() { return (u64{1} << arch::cpus_online()) - 1; }

/// Phase 1: sleeps until woken, counting. Phase 2: remaps one page and has everybody forget it, as all others
/// do.
void shoot(u32 cpu) {
    UserAddr page = kPage + cpu * kPageSize;
    PhysAddr frames[2] = {new_frame(), new_frame()};
    for (u32 i = 0; i < 2; i++) *static_cast<u32*>(arch::phys_to_virt(frames[i])) = i;
    for (u32 i = 0; i < 100; i++) {
        require(program_tables().map(page, frames[i % 2], kReadOnly).has_value(), "a page can be remapped");
        arch::flush_tlb(all_cpus(), page, page + kPageSize);
        u32 seen = 9;
        require(arch::user_load(page, seen) && seen == i % 2, "after a shootdown the new frame is seen");
    }
}

void secondary(u32 cpu) {
    require(cpu == arch::cpu_index() && !arch::interrupts_enabled(),
            "a CPU starts with its number, interrupts off");
    locals[cpu] = cpu * 100;
    arch::set_cpu_local(&locals[cpu]);
    program_tables().activate();
    arrived++;
    while (phase < 2) {
        arch::idle_wait();
        wakeups[cpu]++;
        require(arch::cpu_local() == &locals[cpu], "each CPU keeps its own pointer");
    }
    shoot(cpu);
    done++;
}

void other_cpus_start() {
    hooks.secondary = secondary;
    std::string_view text = command_line_value("astra.cpus").value_or("1");
    u32 expected = static_cast<u32>(take_number(text).value_or(1));
    require(program_tables().map(kPage, new_frame(), kReadOnly).has_value(), "tables exist for the pages");
    u32 online = arch::start_secondary_cpus(arch::kMaxCpus);
    say("       %u CPUs\n", online);
    require(online == expected && arch::cpus_online() == expected, "every CPU comes up");
    wait_for(arrived, expected - 1, "every CPU reaches the kernel");
}

void reschedule_wakes_idle_cpus() {
    for (u32 cpu = 1; cpu < arch::cpus_online(); cpu++) {
        for (u32 i = 0; i < 50; i++) {
            u64 before = wakeups[cpu], end = arch::now_ns() + 5 * kSecond;
            arch::send_reschedule(cpu);
            while (wakeups[cpu] == before) {
                require(arch::now_ns() < end, "an idle CPU wakes up");
                arch::spin_pause();
            }
        }
    }
}

void shootdowns_do_not_deadlock() {
    program_tables().activate();
    phase = 2;
    for (u32 cpu = 1; cpu < arch::cpus_online(); cpu++) arch::send_reschedule(cpu);
    shoot(0);
    wait_for(done, arch::cpus_online() - 1, "every CPU finishes");
}

constexpr Check kChecks[] = {
    {"other CPUs start", other_cpus_start},
    {"reschedule", reschedule_wakes_idle_cpus},
    {"shootdowns", shootdowns_do_not_deadlock},
};

}  // namespace

std::span<const Check> cpu_checks() { return kChecks; }

}  // namespace astra::selftest
