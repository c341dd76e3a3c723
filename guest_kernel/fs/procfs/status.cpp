// /proc/PID/status and limits (proc(5)).
#include "guest_kernel/fs/procfs/files.hpp"
#include "guest_kernel/fs/procfs/task.hpp"

namespace astra::fs::procfs {

namespace {

const char* state_name(char state) {
    switch (state) {
        case 'R': return "running";
        case 'S': return "sleeping";
        case 'D': return "disk sleep";
        case 'T': return "stopped";
        default: return "zombie";
    }
}

void add_identity(const Task& task, Text& text) {
    sched::Process& process = *task.process;
    sched::Credentials who = process.credentials();
    int id = task.is_thread ? task.thread->tid() : process.pid();
    Ref<Context> context = process.fs_ref();
    text.add("Name:\t%s\n", task.name());
    if (context) text.add("Umask:\t%04o\n", context->umask());
    text.add("State:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", task.state(),
             state_name(task.state()), process.pid(), id, task.ppid);
    text.add("Uid:\t%u\t%u\t%u\t%u\n", who.uid, who.euid, who.suid, who.fsuid);
    text.add("Gid:\t%u\t%u\t%u\t%u\n", who.gid, who.egid, who.sgid, who.fsgid);
    u32 descriptors = 64;  // a power of two that holds the highest one
    if (Ref<FdTable> fds = process.fds_ref())
        for (int fd = fds->next(0); fd >= 0; fd = fds->next(fd + 1))
            while (descriptors <= static_cast<u32>(fd)) descriptors *= 2;
    text.add("FDSize:\t%u\nGroups:\t", descriptors);
    for (u32 i = 0; i < who.group_count; i++) text.add("%u ", who.groups[i]);
    text.add("\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", process.pid(), id, task.pgid, task.sid);
}

void add_memory(const Task& task, Text& text) {
    Ref<mm::AddressSpace> space = task.process->space_ref();
    if (!space) return;
    mm::AddressSpace::Usage memory = space->usage();
    u64 anonymous =
        memory.resident_bytes > memory.shared_bytes ? memory.resident_bytes - memory.shared_bytes : 0;
    struct Line {
        const char* name;
        u64 bytes;
    };
    const Line lines[] = {{"VmPeak", memory.mapped_bytes},
                          {"VmSize", memory.mapped_bytes},
                          {"VmLck", memory.locked_bytes},
                          {"VmPin", 0},
                          {"VmHWM", memory.resident_peak_bytes},
                          {"VmRSS", memory.resident_bytes},
                          {"RssAnon", anonymous},
                          {"RssFile", memory.resident_bytes - anonymous},
                          {"RssShmem", 0},
                          {"VmData", memory.data_bytes},
                          {"VmStk", memory.stack_bytes},
                          {"VmExe", memory.text_bytes},
                          {"VmLib", 0},
                          {"VmPTE", 0},
                          {"VmSwap", 0}};
    for (const Line& line : lines) text.add("%s:\t%8zu kB\n", line.name, usize{line.bytes / 1024});
}

void add_signals(const Task& task, Text& text) {
    SignalFacts facts = signals_of(task);
    text.add("Threads:\t%u\nSigQ:\t%u/%zu\n", facts.threads, facts.queued, usize{facts.queue_limit});
    text.add("SigPnd:\t%016zx\nShdPnd:\t%016zx\nSigBlk:\t%016zx\nSigIgn:\t%016zx\nSigCgt:\t%016zx\n",
             usize{facts.own}, usize{facts.shared}, usize{facts.blocked}, usize{facts.ignored},
             usize{facts.caught});
}

void add_rest(const Task& task, Text& text) {
    sched::Capabilities sets = task.process->credentials().capabilities;
    text.add("CapInh:\t%016zx\nCapPrm:\t%016zx\nCapEff:\t%016zx\nCapBnd:\t%016zx\nCapAmb:\t%016zx\n",
             usize{sets.inheritable}, usize{sets.permitted}, usize{sets.effective}, usize{sets.bounding},
             usize{sets.ambient});
    text.add("NoNewPrivs:\t%d\nSeccomp:\t0\n", task.process->no_new_privileges);
    if (!task.thread) return;
    u32 cpus = arch::cpus_online();
    u64 allowed = task.thread->affinity & ((u64{1} << cpus) - 1);
    text.add("Cpus_allowed:\t%zx\nCpus_allowed_list:\t", usize{allowed});
    const char* comma = "";
    for (u32 first = 0; first < cpus; first++) {
        if (!(allowed >> first & 1)) continue;
        u32 last = first;
        while (allowed >> (last + 1) & 1) last++;
        if (last == first)
            text.add("%s%u", comma, first);
        else
            text.add("%s%u-%u", comma, first, last);
        comma = ",";
        first = last;
    }
    text.add(
        "\nMems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%zu\n"
        "nonvoluntary_ctxt_switches:\t%zu\n",
        usize{task.thread->voluntary_switches}, usize{task.thread->involuntary_switches});
}

struct LimitName {
    const char* name;
    const char* unit;
};
constexpr LimitName kLimitNames[sched::kLimits] = {
    {"Max cpu time", "seconds"},    {"Max file size", "bytes"},      {"Max data size", "bytes"},
    {"Max stack size", "bytes"},    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
    {"Max processes", "processes"}, {"Max open files", "files"},     {"Max locked memory", "bytes"},
    {"Max address space", "bytes"}, {"Max file locks", "locks"},     {"Max pending signals", "signals"},
    {"Max msgqueue size", "bytes"}, {"Max nice priority", nullptr},  {"Max realtime priority", nullptr},
    {"Max realtime timeout", "us"},
};

}  // namespace

Result<void> show_status(const Subject& subject, Text& text) {
    Task task = TRY(find_task(subject));
    add_identity(task, text);
    add_memory(task, text);
    add_signals(task, text);
    add_rest(task, text);
    return {};
}

Result<void> show_limits(const Subject& subject, Text& text) {
    Ref<sched::Process> process = TRY(process_of(subject));
    abi::RLimit limits[sched::kLimits];
    process->signals.with([&](sched::Signals& s) { __builtin_memcpy(limits, s.limits, sizeof limits); });
    text.add("%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    auto value = [&](u64 limit) {
        if (limit == sched::kUnlimited)
            text.add("%-20s ", "unlimited");
        else
            text.add("%-20zu ", usize{limit});
    };
    for (int i = 0; i < sched::kLimits; i++) {
        text.add("%-25s ", kLimitNames[i].name);
        value(limits[i].current);
        value(limits[i].maximum);
        if (kLimitNames[i].unit) text.add("%-10s", kLimitNames[i].unit);
        text.append("\n");
    }
    return {};
}

}  // namespace astra::fs::procfs
