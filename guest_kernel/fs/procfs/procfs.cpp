// The tree of /proc.
#include "guest_kernel/fs/procfs/procfs.hpp"

#include "guest_kernel/fs/procfs/files.hpp"

namespace astra::fs {

namespace {

using namespace procfs;

constexpr Entry kRootEntries[] = {
    {.name = "cmdline", .mode = 0444, .show = show_cmdline},
    {.name = "filesystems", .mode = 0444, .show = show_filesystems},
    {.name = "loadavg", .mode = 0444, .show = show_loadavg},
    {.name = "meminfo", .mode = 0444, .show = show_meminfo},
    {.name = "stat", .mode = 0444, .show = show_stat},
    {.name = "uptime", .mode = 0444, .show = show_uptime},
};
constexpr Entry kRoot{.name = "", .mode = 0555, .children = kRootEntries};

}  // namespace

Result<Ref<FileSystem>> create_procfs(std::string_view) {
    constexpr i64 kMagic = 0x9fa0;
    return make_table_file_system({"proc", kMagic, true, kRoot});
}

}  // namespace astra::fs
