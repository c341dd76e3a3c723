// The tree of /proc (proc(5)): which name shows what.
#include "guest_kernel/fs/procfs/procfs.hpp"

#include "guest_kernel/fs/procfs/files.hpp"

namespace astra::fs {

namespace {

using namespace procfs;

constexpr Entry kDescriptor{.name = "", .mode = 0700, .link = link_descriptor, .follow = follow_descriptor};
constexpr Entry kDescriptorInfo{.name = "", .mode = 0400, .show = show_fdinfo};

Subject descriptor_subject(const Subject& of, int fd) { return {of.pid, of.tid, fd}; }
constexpr Numbers kDescriptors{kDescriptor, next_descriptor, descriptor_subject};
constexpr Numbers kDescriptorInfos{kDescriptorInfo, next_descriptor, descriptor_subject};

constexpr Entry kNetEntries[] = {
    {.name = "arp", .mode = 0444, .show = show_net_arp},
    {.name = "dev", .mode = 0444, .show = show_net_dev},
    {.name = "if_inet6", .mode = 0444, .show = show_net_if_inet6},
    {.name = "route", .mode = 0444, .show = show_net_route},
    {.name = "tcp", .mode = 0444, .show = show_net_tcp},
    {.name = "tcp6", .mode = 0444, .show = show_net_tcp6},
    {.name = "udp", .mode = 0444, .show = show_net_udp},
    {.name = "udp6", .mode = 0444, .show = show_net_udp6},
};

// What processes and threads both have.
#define ASTRA_TASK_ENTRIES                                                                   \
    {.name = "auxv", .mode = 0400, .show = show_auxv},                                       \
        {.name = "cgroup", .mode = 0444, .show = show_cgroup},                               \
        {.name = "cmdline", .mode = 0444, .show = show_arguments},                           \
        {.name = "comm", .mode = 0644, .show = show_comm, .store = store_comm},              \
        {.name = "coredump_filter",                                                          \
         .mode = 0644,                                                                       \
         .show = show_core_dump_filter,                                                      \
         .store = store_core_dump_filter},                                                   \
        {.name = "cwd", .mode = 0777, .link = link_cwd, .follow = follow_cwd},               \
        {.name = "environ", .mode = 0400, .show = show_environment},                         \
        {.name = "exe", .mode = 0777, .link = link_executable, .follow = follow_executable}, \
        {.name = "fd", .mode = 0500, .numbers = &kDescriptors},                              \
        {.name = "fdinfo", .mode = 0555, .numbers = &kDescriptorInfos},                      \
        {.name = "gid_map", .mode = 0444, .show = show_id_map},                              \
        {.name = "io", .mode = 0400, .show = show_io},                                       \
        {.name = "limits", .mode = 0444, .show = show_limits},                               \
        {.name = "loginuid", .mode = 0444, .show = show_no_id},                              \
        {.name = "maps", .mode = 0444, .show = show_maps},                                   \
        {.name = "mem", .mode = 0600, .read = read_memory, .write = write_memory},           \
        {.name = "mountinfo", .mode = 0444, .show = show_mountinfo},                         \
        {.name = "mounts", .mode = 0444, .show = show_mounts},                               \
        {.name = "net", .mode = 0555, .children = kNetEntries},                              \
        {.name = "oom_score", .mode = 0444, .show = show_zero},                              \
        {.name = "oom_score_adj",                                                            \
         .mode = 0644,                                                                       \
         .show = show_oom_score_adjust,                                                      \
         .store = store_oom_score_adjust},                                                   \
        {.name = "pagemap", .mode = 0400, .read = read_page_map},                            \
        {.name = "personality", .mode = 0400, .show = show_personality},                     \
        {.name = "root", .mode = 0777, .link = link_root, .follow = follow_root},            \
        {.name = "sessionid", .mode = 0444, .show = show_no_id},                             \
        {.name = "setgroups", .mode = 0444, .show = show_set_groups},                        \
        {.name = "smaps", .mode = 0444, .show = show_smaps},                                 \
        {.name = "smaps_rollup", .mode = 0444, .show = show_smaps_rollup},                   \
        {.name = "stat", .mode = 0444, .show = show_process_stat},                           \
        {.name = "statm", .mode = 0444, .show = show_process_statm},                         \
        {.name = "status", .mode = 0444, .show = show_status},                               \
        {.name = "uid_map", .mode = 0444, .show = show_id_map}, {                            \
        .name = "wchan", .mode = 0444, .show = show_zero                                     \
    }

constexpr Entry kThreadEntries[] = {ASTRA_TASK_ENTRIES};
constexpr Entry kThread{.name = "", .mode = 0555, .children = kThreadEntries};
Subject thread_subject(const Subject& of, int tid) { return {of.pid, tid, -1}; }
constexpr Numbers kThreads{kThread, next_thread, thread_subject};

constexpr Entry kProcessEntries[] = {ASTRA_TASK_ENTRIES,
                                     {.name = "task", .mode = 0555, .numbers = &kThreads}};
#undef ASTRA_TASK_ENTRIES
constexpr Entry kProcess{.name = "", .mode = 0555, .children = kProcessEntries};
Subject process_subject(const Subject&, int pid) { return {pid, 0, -1}; }
constexpr Numbers kProcesses{kProcess, next_process, process_subject};

const Entry kRootEntries[] = {
    {.name = "cmdline", .mode = 0444, .show = show_cmdline},
    {.name = "cpuinfo", .mode = 0444, .show = show_cpuinfo},
    {.name = "devices", .mode = 0444, .show = show_devices},
    {.name = "diskstats", .mode = 0444, .show = show_nothing},
    {.name = "filesystems", .mode = 0444, .show = show_filesystems},
    {.name = "loadavg", .mode = 0444, .show = show_loadavg},
    {.name = "meminfo", .mode = 0444, .show = show_meminfo},
    {.name = "modules", .mode = 0444, .show = show_nothing},
    {.name = "mounts", .mode = 0777, .link = link_mounts},
    {.name = "net", .mode = 0777, .link = link_net},
    {.name = "partitions", .mode = 0444, .show = show_nothing},
    {.name = "self", .mode = 0777, .link = link_self},
    {.name = "stat", .mode = 0444, .show = show_stat},
    {.name = "swaps", .mode = 0444, .show = show_swaps},
    {.name = "sys", .mode = 0555, .children = kSysctlEntries},
    {.name = "thread-self", .mode = 0777, .link = link_thread_self},
    {.name = "uptime", .mode = 0444, .show = show_uptime},
    {.name = "version", .mode = 0444, .show = show_version},
    {.name = "vmstat", .mode = 0444, .show = show_vmstat},
};
const Entry kRoot{.name = "", .mode = 0555, .children = kRootEntries, .numbers = &kProcesses};

}  // namespace

Result<Ref<FileSystem>> create_procfs(std::string_view) {
    constexpr i64 kMagic = 0x9fa0;
    return make_table_file_system({"proc", kMagic, true, kRoot});
}

}  // namespace astra::fs
