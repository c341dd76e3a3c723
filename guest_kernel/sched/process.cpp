// Processes as objects: what they own, what they used.
#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

Process::~Process() = default;

Credentials Process::credentials() { return signals.lock()->credentials; }
abi::RLimit Process::limit_pair(int resource) { return signals.lock()->limits[resource]; }

Ref<mm::AddressSpace> Process::space_ref() {
    auto guard = signals.lock();
    return space_;
}
Ref<fs::FdTable> Process::fds_ref() {
    auto guard = signals.lock();
    return fds_;
}
Ref<fs::Context> Process::fs_ref() {
    auto guard = signals.lock();
    return fs_;
}

Ref<Thread> Process::any_thread() {
    auto guard = signals.lock();
    for (Thread& thread : guard->threads)
        if (thread.tid() == pid_) return Ref<Thread>(thread);
    return guard->threads.empty() ? nullptr : Ref<Thread>(*guard->threads.front());
}

u64 Process::cpu_time_ns() const {
    u64 total = run_ns;
    for (u32 i = 0; i < arch::kMaxCpus; i++) {
        Cpu& cpu = cpu_at(i);
        if (!cpu.online) continue;
        bool interrupts = lock_queue(cpu);
        Thread& running = *cpu.current;
        if (!running.is_kernel_thread() && &running.process() == this)
            total += arch::now_ns() - running.dispatched_ns;
        unlock_queue(cpu, interrupts);
    }
    return total;
}

bool may_inspect(Process& target) {
    if (current().is_kernel_thread()) return true;
    Process& caller = current_process();
    if (&target == &caller) return true;
    Credentials mine = caller.credentials(), its = target.credentials();
    if (mine.can(kCapSysPtrace)) return true;
    bool same = mine.uid == its.uid && mine.uid == its.euid && mine.uid == its.suid && mine.gid == its.gid &&
                mine.gid == its.egid && mine.gid == its.sgid;
    bool no_more = (its.capabilities.permitted & ~mine.capabilities.permitted) == 0;
    return same && no_more && target.dumpable;
}

abi::RUsage thread_usage(const Thread& thread) {
    abi::RUsage result{};
    u64 total = thread.cpu_time_ns(), system = thread.system_ns < total ? thread.system_ns : total;
    result.utime = to_timeval(total - system);
    result.stime = to_timeval(system);
    result.nvcsw = static_cast<i64>(thread.voluntary_switches);
    result.nivcsw = static_cast<i64>(thread.involuntary_switches);
    return result;
}

abi::RUsage Process::resource_usage() {
    if (state != ProcessState::Live) return usage;
    abi::RUsage result{};
    u64 total = cpu_time_ns(), system = 0;
    u64 voluntary = voluntary_switches, involuntary = involuntary_switches;
    Ref<mm::AddressSpace> memory;
    {
        auto guard = signals.lock();
        system = guard->dead_system_ns;
        for (Thread& thread : guard->threads) {
            system += thread.system_ns;
            voluntary += thread.voluntary_switches;
            involuntary += thread.involuntary_switches;
        }
        memory = space_;
    }
    if (system > total) system = total;
    result.utime = to_timeval(total - system);
    result.stime = to_timeval(system);
    if (memory) result.maxrss = static_cast<i64>(memory->usage().resident_peak_bytes / 1024);
    result.minflt = static_cast<i64>(page_faults.load());
    result.nvcsw = static_cast<i64>(voluntary);
    result.nivcsw = static_cast<i64>(involuntary);
    return result;
}

}  // namespace astra::sched
