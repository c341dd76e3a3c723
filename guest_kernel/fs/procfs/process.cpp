// /proc/PID/stat and its short neighbours (proc(5)), of a process or of one of its threads.
#include "guest_kernel/drivers/tty.hpp"
#include "guest_kernel/fs/procfs/files.hpp"
#include "guest_kernel/fs/procfs/task.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra::fs::procfs {

Result<Task> find_task(const Subject& subject) {
    Task task;
    task.process = TRY(process_of(subject));
    if (subject.tid) {
        task.thread = sched::find_thread(subject.tid);
        if (!task.thread || task.thread->is_kernel_thread() || &task.thread->process() != task.process.get())
            return fail(Errno::kENOENT);
    } else {
        task.thread = task.process->any_thread();
    }
    task.is_thread = subject.tid != 0;
    auto tree = sched::tree().lock();
    sched::Process& process = *task.process;
    task.zombie = process.state != sched::ProcessState::Live;
    task.ppid = process.ppid;
    task.pgid = process.pgid;
    task.sid = process.sid;
    task.terminal = process.terminal;
    task.children = process.children_usage;
    return task;
}

char Task::state() const { return zombie || !thread ? 'Z' : thread->state_letter(); }

const char* Task::name() const { return is_thread ? thread->name : process->name(); }

namespace {

constexpr u64 kNsPerTick = 10'000'000;  // USER_HZ is 100

usize ticks(const abi::TimeVal& time) { return usize(time.sec) * 100 + usize(time.usec) / 10'000; }

struct Times {
    usize user, system;
};
Times times_of(const Task& task) {
    if (!task.is_thread) {
        abi::RUsage usage = task.process->resource_usage();
        return {ticks(usage.utime), ticks(usage.stime)};
    }
    u64 total = task.thread->cpu_time_ns(), system = task.thread->system_ns;
    if (system > total) system = total;
    return {usize{(total - system) / kNsPerTick}, usize{system / kNsPerTick}};
}

}  // namespace

SignalFacts signals_of(const Task& task) {
    SignalFacts facts{};
    auto signals = task.process->signals.lock();
    facts.shared = signals->pending.set;
    facts.threads = signals->live_threads;
    facts.queued = signals->pending.queued;
    facts.queue_limit = signals->limits[sched::kLimitSigPending].current;
    for (int signal = 1; signal <= sched::kSignals; signal++) {
        u64 handler = signals->actions[signal - 1].handler;
        if (handler == sched::kSigIgnore)
            facts.ignored |= sched::signal_bit(signal);
        else if (handler != sched::kSigDefault)
            facts.caught |= sched::signal_bit(signal);
    }
    if (task.thread) {
        facts.own = task.thread->pending.set;
        facts.blocked = task.thread->blocked_signals;
    }
    return facts;
}

Result<void> show_process_stat(const Subject& subject, Text& text) {
    Task task = TRY(find_task(subject));
    sched::Process& process = *task.process;
    SignalFacts signals = signals_of(task);
    Times times = times_of(task);
    mm::AddressSpace::Usage memory{};
    mm::AddressSpace::Layout layout{};
    if (Ref<mm::AddressSpace> space = process.space_ref()) {
        memory = space->usage();
        layout = space->layout;
    }
    abi::RUsage usage = process.resource_usage();
    text.add("%d (%s) %c %d %d %d %d %d 0 ", task.is_thread ? task.thread->tid() : process.pid(), task.name(),
             task.state(), task.ppid, task.pgid, task.sid,
             static_cast<int>(terminal_device(task.terminal.get())),
             terminal_foreground(task.terminal.get()));
    text.add("%zu %zu %zu %zu %zu %zu %zu %zu ", usize(usage.minflt), usize(task.children.minflt),
             usize(usage.majflt), usize(task.children.majflt), times.user, times.system,
             ticks(task.children.utime), ticks(task.children.stime));
    text.add("%d %d %u 0 %zu %zu %zu %zu ", 20 + process.nice, process.nice, signals.threads,
             usize{process.start_ns / kNsPerTick}, usize{memory.mapped_bytes},
             usize{memory.resident_bytes / kPageSize}, usize{process.limit(sched::kLimitRss)});
    text.add("%zu %zu %zu 0 0 %zu %zu %zu %zu 0 0 0 ", usize{layout.code_start.raw()},
             usize{layout.code_end.raw()}, usize{layout.stack_top.raw()},
             usize{signals.shared | signals.own} & 0x7fffffff, usize{signals.blocked} & 0x7fffffff,
             usize{signals.ignored} & 0x7fffffff, usize{signals.caught} & 0x7fffffff);
    text.add("%d %u 0 0 0 0 0 %zu %zu 0 %zu %zu %zu %zu 0\n", process.exit_signal,
             task.thread ? task.thread->cpu.load() : 0, usize{layout.data_start.raw()},
             usize{layout.data_end.raw()}, usize{layout.args_start.raw()}, usize{layout.args_end.raw()},
             usize{layout.env_start.raw()}, usize{layout.env_end.raw()});
    return {};
}

Result<void> show_process_statm(const Subject& subject, Text& text) {
    Task task = TRY(find_task(subject));
    mm::AddressSpace::Usage memory{};
    if (Ref<mm::AddressSpace> space = task.process->space_ref()) memory = space->usage();
    auto pages = [](u64 bytes) { return usize{bytes / kPageSize}; };
    text.add("%zu %zu %zu %zu 0 %zu 0\n", pages(memory.mapped_bytes), pages(memory.resident_bytes),
             pages(memory.shared_bytes), pages(memory.text_bytes),
             pages(memory.data_bytes + memory.stack_bytes));
    return {};
}

Result<void> show_comm(const Subject& subject, Text& text) {
    text.add("%s\n", TRY(find_task(subject)).name());
    return {};
}

Result<void> store_comm(const Subject& subject, std::string_view name) {
    Task task = TRY(find_task(subject));
    if (&sched::current_process() != task.process.get()) return fail(Errno::kEINVAL);
    if (task.thread) task.thread->set_name(name);
    return {};
}

Result<void> show_cgroup(const Subject&, Text& text) {
    text.append("0::/\n");
    return {};
}

Result<void> show_zero(const Subject&, Text& text) {
    text.append("0\n");
    return {};
}

int next_process(const Subject&, int from) {
    int found = -1;
    sched::tree().with([&](sched::ProcessTree& tree) {
        for (sched::Process& process : tree.all)
            if (process.pid() >= from && (found < 0 || process.pid() < found)) found = process.pid();
    });
    return found;
}

int next_thread(const Subject& subject, int from) {
    auto process = process_of(subject);
    if (!process) return -1;
    int found = -1;
    auto signals = (*process)->signals.lock();
    for (sched::Thread& thread : signals->threads)
        if (thread.tid() >= from && (found < 0 || thread.tid() < found)) found = thread.tid();
    return found;
}

}  // namespace astra::fs::procfs
