// The functions behind /proc's entries, by subject; procfs.cpp puts them into the tree.
#pragma once
#include "guest_kernel/fs/procfs/table.hpp"

namespace astra::fs::procfs {

using Show = Result<void>(const Subject&, Text&);
using Store = Result<void>(const Subject&, std::string_view);
using Transfer = Result<usize>(const Subject&, Buffer&, u64 offset);
using Link = Result<String>(const Subject&);
using Follow = Result<Path>(const Subject&);

// system.cpp
Show show_cmdline, show_cpuinfo, show_devices, show_filesystems, show_nothing, show_swaps, show_vmstat,
    show_loadavg, show_meminfo, show_stat, show_uptime, show_version;

// sysctl.cpp: /proc/sys
extern const std::span<const Entry> kSysctlEntries;

// process.cpp: of a process, or of one thread
Show show_process_stat, show_process_statm, show_comm, show_cgroup, show_zero;
Store store_comm;
int next_process(const Subject& root, int from);
int next_thread(const Subject& process, int from);

// accounting.cpp
Show show_io, show_oom_score_adjust, show_core_dump_filter, show_id_map, show_no_id, show_set_groups,
    show_personality;
Store store_oom_score_adjust, store_core_dump_filter;

// status.cpp
Show show_status, show_limits;

// memory.cpp
Show show_maps, show_smaps, show_smaps_rollup, show_arguments, show_environment, show_auxv;
Transfer read_memory, write_memory, read_page_map;

// links.cpp
Link link_self, link_thread_self, link_mounts, link_net, link_cwd, link_root, link_executable,
    link_descriptor;
Follow follow_cwd, follow_root, follow_executable, follow_descriptor;
Show show_fdinfo;
int next_descriptor(const Subject& process, int from);

// network.cpp: /proc/net
Show show_net_tcp, show_net_tcp6, show_net_udp, show_net_udp6, show_net_dev, show_net_route, show_net_arp,
    show_net_if_inet6;

// mounts.cpp
Show show_mounts, show_mountinfo;

}  // namespace astra::fs::procfs
