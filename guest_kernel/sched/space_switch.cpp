// Address spaces and CPUs. A CPU keeps the last program's tables loaded while kernel threads run; it holds no
// reference, so whoever gives up an address space last first makes every CPU forget it.
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

void load(mm::AddressSpace* space) {
    bool interrupts = arch::interrupts_disable();
    Cpu& cpu = this_cpu();
    mm::AddressSpace* old = cpu.space;
    if (space)
        space->activate(cpu.index);
    else if (old)
        arch::activate_kernel_tables();
    if (old && old != space) old->deactivate(cpu.index);
    cpu.space = space;  // from here on `old` may go
    arch::interrupts_restore(interrupts);
}

bool loaded_elsewhere(const mm::AddressSpace& space) {
    bool found = false;
    for (u32 i = 0; i < arch::kMaxCpus; i++) {
        Cpu& cpu = cpu_at(i);
        if (cpu.space != &space) continue;
        found = true;
        if (cpu.halted) arch::send_reschedule(i);  // its idle loop looks (forget_retired_space)
    }
    return found;
}

}  // namespace

void forget_retired_space(Cpu& cpu) {
    mm::AddressSpace* space = cpu.space;
    if (space && space->users == 0) load(nullptr);
}

Ref<mm::AddressSpace> replace_space(Ref<mm::AddressSpace> next) {
    Ref<mm::AddressSpace> old;
    mm::AddressSpace* loaded = next.get();
    {
        Process& process = current_process();
        auto signals = process.signals.lock();  // space_ref() of others reads under it
        old = std::exchange(ProcessAccess::space(process), std::move(next));
    }
    load(loaded);
    return old;
}

void retire_space(Ref<mm::AddressSpace> space) {
    constexpr u64 kLookAgainNs = 200'000;
    if (space->users.fetch_sub(1) != 1) return;
    while (loaded_elsewhere(*space)) (void)sleep_until(arch::now_ns() + kLookAgainNs, Sleep::Uninterruptible);
}

}  // namespace astra::sched
