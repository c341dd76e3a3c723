// The tree of /sys: the processors, for programs that count them there.
#include "guest_kernel/fs/procfs/files.hpp"
#include "guest_kernel/fs/procfs/procfs.hpp"

namespace astra::fs {

namespace {

Result<void> show_cpus(const Subject&, Text& text) {
    u32 cpus = arch::cpus_online();
    if (cpus == 1)
        text.append("0\n");
    else
        text.add("0-%u\n", cpus - 1);
    return {};
}

constexpr Entry kCpuEntries[] = {
    {.name = "online", .mode = 0444, .show = show_cpus},
    {.name = "possible", .mode = 0444, .show = show_cpus},
    {.name = "present", .mode = 0444, .show = show_cpus},
};
constexpr Entry kSystemEntries[] = {{.name = "cpu", .mode = 0755, .children = kCpuEntries}};
constexpr Entry kDevicesEntries[] = {{.name = "system", .mode = 0755, .children = kSystemEntries}};
constexpr Entry kRootEntries[] = {{.name = "devices", .mode = 0755, .children = kDevicesEntries}};
constexpr Entry kRoot{.name = "", .mode = 0555, .children = kRootEntries};

}  // namespace

Result<Ref<FileSystem>> create_sysfs(std::string_view) {
    constexpr i64 kMagic = 0x62656572;
    return make_table_file_system({"sysfs", kMagic, false, kRoot});
}

}  // namespace astra::fs
