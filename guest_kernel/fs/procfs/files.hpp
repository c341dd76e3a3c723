// The functions behind /proc's entries, by subject; procfs.cpp puts them into the tree.
#pragma once
#include "guest_kernel/fs/procfs/table.hpp"

namespace astra::fs::procfs {

using Show = Result<void>(const Subject&, Text&);
using Store = Result<void>(const Subject&, std::string_view);
using Link = Result<String>(const Subject&);
using Follow = Result<Path>(const Subject&);

// system.cpp
Show show_cmdline, show_filesystems, show_loadavg, show_meminfo, show_stat, show_uptime;

}  // namespace astra::fs::procfs
