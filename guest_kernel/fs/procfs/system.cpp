// Files of /proc about the system as a whole (proc(5)).
#include "guest_kernel/syscalls/system.hpp"
#include "guest_kernel/drivers/command_line.hpp"
#include "guest_kernel/fs/mount.hpp"
#include "guest_kernel/fs/procfs/files.hpp"
#include "guest_kernel/fs/tmpfs/volume.hpp"
#include "guest_kernel/mm/frames.hpp"
#include "guest_kernel/mm/heap.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra::fs::procfs {

namespace {

constexpr u64 kNsPerTick = 10'000'000;  // USER_HZ is 100
constexpr u64 kNsPerSecond = 1'000'000'000;

}  // namespace

Result<void> show_cmdline(const Subject&, Text& text) {
    text.append(command_line());
    text.append("\n");
    return {};
}

Result<void> show_cpuinfo(const Subject&, Text& text) {
    char model[2048];
    usize length = arch::describe_cpu(model);
    for (u32 cpu = 0; cpu < arch::cpus_online(); cpu++) {
        text.add("processor\t: %u\n", cpu);
        text.append({model, length});
        text.append("\n");
    }
    return {};
}

Result<void> show_filesystems(const Subject&, Text& text) {
    for (const FileSystemType& type : file_system_types())
        text.add("%s\t%.*s\n", type.needs_device ? "" : "nodev", ASTRA_TEXT(type.name));
    return {};
}

Result<void> show_loadavg(const Subject&, Text& text) {
    sched::LoadStats stats = sched::load_stats();
    for (u64 load : stats.load) text.add("%zu.%02zu ", usize{load >> 16}, usize{(load & 0xffff) * 100 >> 16});
    int last_pid = sched::tree().with([](sched::ProcessTree& tree) { return tree.next_pid - 1; });
    text.add("%u/%u %d\n", stats.runnable, stats.threads, last_pid);
    return {};
}

Result<void> show_meminfo(const Subject&, Text& text) {
    mm::FrameStats frames = mm::frame_stats();
    u64 files = tmpfs::Volume::all_pages(), heap = mm::heap_stats().frames_in_use;
    u64 anonymous = frames.total - frames.free;
    for (u64 other : {files, heap, frames.page_tables, frames.kernel_stacks})
        anonymous -= other < anonymous ? other : anonymous;
    struct Line {
        const char* name;
        u64 pages;
    };
    // Files live in memory only: what Linux calls shared memory, not a cache that could be dropped.
    const Line lines[] = {{"MemTotal", frames.total},
                          {"MemFree", frames.free},
                          {"MemAvailable", frames.free},
                          {"Buffers", 0},
                          {"Cached", files},
                          {"SwapCached", 0},
                          {"Active", anonymous + files},
                          {"Inactive", 0},
                          {"Active(anon)", anonymous + files},
                          {"Inactive(anon)", 0},
                          {"Active(file)", 0},
                          {"Inactive(file)", 0},
                          {"Unevictable", 0},
                          {"Mlocked", 0},
                          {"SwapTotal", 0},
                          {"SwapFree", 0},
                          {"Dirty", 0},
                          {"Writeback", 0},
                          {"AnonPages", anonymous},
                          {"Mapped", 0},
                          {"Shmem", files},
                          {"KReclaimable", 0},
                          {"Slab", heap},
                          {"SReclaimable", 0},
                          {"SUnreclaim", heap},
                          {"KernelStack", frames.kernel_stacks},
                          {"PageTables", frames.page_tables},
                          {"CommitLimit", frames.total},
                          {"Committed_AS", anonymous + files}};
    for (const Line& line : lines) {
        char name[20];
        format_to(name, sizeof name, "%s:", line.name);
        text.add("%-15s %8zu kB\n", name, usize{line.pages * (kPageSize / 1024)});
    }
    return {};
}

Result<void> show_stat(const Subject&, Text& text) {
    sched::LoadStats stats = sched::load_stats();
    u64 uptime = arch::now_ns(), cpus = arch::cpus_online(), idle = 0;
    for (u32 cpu = 0; cpu < cpus; cpu++) idle += stats.idle_ns[cpu];
    // Time is accounted to a CPU as busy or idle; what is busy shows as user time.
    auto line = [&](u64 total, u64 idle_ns) {
        u64 busy = total > idle_ns ? total - idle_ns : 0;
        text.add(" %zu 0 0 %zu 0 0 0 0 0 0\n", usize{busy / kNsPerTick}, usize{idle_ns / kNsPerTick});
    };
    text.append("cpu ");
    line(uptime * cpus, idle);
    for (u32 cpu = 0; cpu < cpus; cpu++) {
        text.add("cpu%u", cpu);
        line(uptime, stats.idle_ns[cpu]);
    }
    text.add("ctxt %zu\nbtime %zu\nprocesses %zu\nprocs_running %u\nprocs_blocked 0\n",
             usize{stats.context_switches}, usize{stats.boot_wall_ns / kNsPerSecond}, usize{stats.forks},
             stats.runnable);
    return {};
}

Result<void> show_nothing(const Subject&, Text&) { return {}; }

// No swap, which the file says with a heading alone.
Result<void> show_swaps(const Subject&, Text& text) {
    text.append("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return {};
}

Result<void> show_devices(const Subject&, Text& text) {
    text.append("Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\n");
    text.append("Block devices:\n");
    return {};
}

Result<void> show_vmstat(const Subject&, Text& text) {
    mm::FrameStats frames = mm::frame_stats();
    u64 files = tmpfs::Volume::all_pages(), faults = 0;
    sched::tree().with([&faults](sched::ProcessTree& tree) {
        for (sched::Process& process : tree.all) faults += static_cast<u64>(process.resource_usage().minflt);
    });
    text.add("nr_free_pages %zu\nnr_file_pages %zu\nnr_shmem %zu\n", usize{frames.free}, usize{files},
             usize{files});
    text.add("nr_page_table_pages %zu\nnr_kernel_stack %zu\n", usize{frames.page_tables},
             usize{frames.kernel_stacks * (kPageSize / 1024)});
    text.add("pgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault %zu\npgmajfault 0\n", usize{faults});
    return {};
}

Result<void> show_version(const Subject&, Text& text) {
    abi::UtsName name = system_identity();
    text.add("%s version %s (astra) (gcc) %s\n", name.sysname, name.release, name.version);
    return {};
}

Result<void> show_uptime(const Subject&, Text& text) {
    u64 idle = 0;
    sched::LoadStats stats = sched::load_stats();
    for (u64 cpu : stats.idle_ns) idle += cpu;
    auto seconds = [&](u64 ns, const char* end) {
        text.add("%zu.%02zu%s", usize{ns / kNsPerSecond}, usize{ns % kNsPerSecond / kNsPerTick}, end);
    };
    seconds(arch::now_ns(), " ");
    seconds(idle, "\n");
    return {};
}

}  // namespace astra::fs::procfs
