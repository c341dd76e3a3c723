// The per-CPU blocks: bringing a CPU into the scheduler, idling, stealing work, load figures.
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

Cpu g_cpus[arch::kMaxCpus];
constinit std::atomic<u64> g_online{0};
constinit std::atomic<u64> g_forks{0};

// How long an idle CPU looks for work before it halts: halting and being woken costs an exit and an
// interrupt, more than this, and whoever was waited for often answers sooner.
constexpr u64 kIdleSpinNs = 20'000;

// Load averages as Linux computes them (kernel/sched/loadavg.c): 16 fractional bits on the outside, 11
// inside; every 5 s the number of active threads enters with weight 1-exp(-5/60), 1-exp(-5/300),
// 1-exp(-5/900).
struct LoadAverage {
    static constexpr u64 kPeriodNs = 5'000'000'000;
    static constexpr u64 kOne = 1 << 11;
    static constexpr u64 kDecay[3] = {1884, 2014, 2037};
    u64 updated_ns = 0;
    u64 value[3] = {};
    void update(u64 now, u64 active) {
        u64 periods = (now - updated_ns) / kPeriodNs;
        updated_ns += periods * kPeriodNs;
        if (periods > 500) periods = 500;  // older history has decayed away
        for (; periods; periods--)
            for (int i = 0; i < 3; i++) {
                u64 next = value[i] * kDecay[i] + active * kOne * (kOne - kDecay[i]);
                value[i] = (next + (active * kOne >= value[i] ? kOne - 1 : 0)) / kOne;
            }
    }
};
constinit SpinLocked<LoadAverage, Rank::Log> g_load;

u32 active_threads() {
    u32 active = 0;
    for (Cpu& cpu : g_cpus)
        if (cpu.online) active += cpu.queued + (cpu.current != cpu.idle);
    return active;
}

// Looks for work for a while; interrupts are on meanwhile.
bool spin_for_work(Cpu& cpu) {
    if (arch::cpus_online() < 2) return cpu.queued;  // only an interrupt can bring some
    u64 end = arch::now_ns() + kIdleSpinNs;
    while (!cpu.queued && arch::now_ns() < end) arch::spin_pause();
    return cpu.queued;
}

}  // namespace

Cpu& this_cpu() { return *static_cast<Cpu*>(arch::cpu_local()); }
Cpu& cpu_at(u32 index) { return g_cpus[index]; }
u64 online_mask() { return g_online; }
bool scheduler_running() { return g_online && arch::cpu_local(); }
Thread& current() { return *this_cpu().current; }

void init_cpu(u32 index) {
    Cpu& cpu = g_cpus[index];
    cpu.index = index;
    Result<Ref<Thread>> idle = ThreadAccess::create_idle();
    if (!idle) panic("no memory for the idle thread of CPU %u", index);
    cpu.idle = cpu.current = idle->leak();
    cpu.idle->cpu = index;
    cpu.idle->state = ThreadState::Running;
    cpu.idle->dispatched_ns = arch::now_ns();
    cpu.cpu_timer.fire = check_cpu_timers;
    arch::set_cpu_local(&cpu);
    cpu.online = true;
    g_online |= u64{1} << index;
}

void run_idle() {
    for (;;) {
        Cpu& cpu = this_cpu();
        arch::interrupts_enable();
        if (cpu.queued || spin_for_work(cpu) || steal_work(cpu)) {
            schedule();
            continue;
        }
        forget_retired_space(cpu);
        arch::interrupts_disable();
        bool interrupts = lock_queue(cpu);
        cpu.halted = cpu.queued == 0;
        unlock_queue(cpu, interrupts);
        if (cpu.halted) arch::idle_wait();
        cpu.halted = false;
    }
}

bool steal_work(Cpu& cpu) {
    for (u32 i = 1; i < arch::kMaxCpus; i++) {
        Cpu& victim = g_cpus[(cpu.index + i) % arch::kMaxCpus];
        if (!victim.online || !victim.queued) continue;
        Thread* stolen = nullptr;
        bool interrupts = lock_queue(victim);
        for (auto* queue : {&victim.woken, &victim.waiting})
            for (Thread& thread : *queue)
                if (!stolen && thread.affinity >> cpu.index & 1) stolen = &thread;
        if (stolen) {
            stolen->run_node.unlink();
            victim.queued--;
            stolen->cpu = cpu.index;
        }
        unlock_queue(victim, interrupts);
        if (!stolen) continue;
        interrupts = lock_queue(cpu);
        cpu.waiting.push_back(*stolen);
        cpu.queued++;
        unlock_queue(cpu, interrupts);
        return true;
    }
    return false;
}

// An interrupt and its return serialise the CPU; a TLB flush of nothing that matters is one with an answer.
void barrier_on_other_cpus() {
    u64 busy = 0;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (const Cpu& cpu : g_cpus)
        if (cpu.online && &cpu != &this_cpu() && cpu.current != cpu.idle) busy |= u64{1} << cpu.index;
    if (busy) arch::flush_tlb(busy, UserAddr(), UserAddr(kPageSize));
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void count_fork() { g_forks.fetch_add(1, std::memory_order_relaxed); }

LoadStats load_stats() {
    LoadStats stats{};
    stats.forks = g_forks;
    stats.runnable = active_threads();
    stats.threads = tree().with([](ProcessTree& processes) { return processes.thread_count; });
    stats.boot_wall_ns = wall_now_ns() - arch::now_ns();
    for (u32 i = 0; i < arch::kMaxCpus; i++) {
        stats.context_switches += g_cpus[i].context_switches;
        stats.idle_ns[i] = g_cpus[i].idle_ns;
        if (g_cpus[i].online && g_cpus[i].current == g_cpus[i].idle)
            stats.idle_ns[i] += arch::now_ns() - g_cpus[i].idle->dispatched_ns;
    }
    auto load = g_load.lock();
    load->update(arch::now_ns(), stats.runnable);
    for (int i = 0; i < 3; i++) stats.load[i] = load->value[i] << 5;
    return stats;
}

}  // namespace astra::sched
