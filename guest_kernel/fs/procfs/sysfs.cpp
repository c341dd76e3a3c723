// The tree of /sys: processors, memory nodes and huge pages, for programs that look them up there.
#include "guest_kernel/fs/procfs/files.hpp"
#include "guest_kernel/fs/procfs/procfs.hpp"

namespace astra::fs {

namespace {

template <const char* Value>
Result<void> show_text(const Subject&, Text& text) {
    text.add("%s\n", Value);
    return {};
}
constexpr const char kZero[] = "0", kOne[] = "1", kNone[] = "", kDistance[] = "10",
                     kMostCpus[] = "7",  // kernel_max: the highest number a CPU can have
    kAlways[] = "[always] madvise never", kNever[] = "always madvise [never]", kHugePage[] = "2097152";

Result<void> show_cpus(const Subject&, Text& text) {
    u32 cpus = arch::cpus_online();
    if (cpus == 1)
        text.append("0\n");
    else
        text.add("0-%u\n", cpus - 1);
    return {};
}
Result<void> show_cpu_mask(const Subject&, Text& text) {
    text.add("%x\n", (1u << arch::cpus_online()) - 1);
    return {};
}

// Every CPU is a core of its own in one package.
Result<void> show_own_number(const Subject& cpu, Text& text) {
    text.add("%d\n", cpu.fd);
    return {};
}
Result<void> show_own_mask(const Subject& cpu, Text& text) {
    text.add("%x\n", 1u << cpu.fd);
    return {};
}

int next_cpu(const Subject&, int from) { return from < static_cast<int>(arch::cpus_online()) ? from : -1; }
Subject cpu_subject(const Subject&, int cpu) { return {.fd = cpu}; }

constexpr Entry kTopologyEntries[] = {
    {.name = "core_cpus", .mode = 0444, .show = show_own_mask},
    {.name = "core_cpus_list", .mode = 0444, .show = show_own_number},
    {.name = "core_id", .mode = 0444, .show = show_own_number},
    {.name = "core_siblings", .mode = 0444, .show = show_cpu_mask},
    {.name = "core_siblings_list", .mode = 0444, .show = show_cpus},
    {.name = "physical_package_id", .mode = 0444, .show = show_text<kZero>},
    {.name = "thread_siblings", .mode = 0444, .show = show_own_mask},
    {.name = "thread_siblings_list", .mode = 0444, .show = show_own_number},
};
constexpr Entry kOneCpuEntries[] = {
    {.name = "online", .mode = 0444, .show = show_text<kOne>},
    {.name = "topology", .mode = 0755, .children = kTopologyEntries},
};
constexpr Entry kOneCpu{.name = "", .mode = 0755, .children = kOneCpuEntries};
constexpr Numbers kCpus{kOneCpu, next_cpu, cpu_subject, "cpu"};

constexpr Entry kCpuEntries[] = {
    {.name = "isolated", .mode = 0444, .show = show_text<kNone>},
    {.name = "kernel_max", .mode = 0444, .show = show_text<kMostCpus>},
    {.name = "offline", .mode = 0444, .show = show_text<kNone>},
    {.name = "online", .mode = 0444, .show = show_cpus},
    {.name = "possible", .mode = 0444, .show = show_cpus},
    {.name = "present", .mode = 0444, .show = show_cpus},
};

constexpr Entry kOneNodeEntries[] = {
    {.name = "cpulist", .mode = 0444, .show = show_cpus},
    {.name = "cpumap", .mode = 0444, .show = show_cpu_mask},
    {.name = "distance", .mode = 0444, .show = show_text<kDistance>},
};
constexpr Entry kNodeEntries[] = {
    {.name = "has_cpu", .mode = 0444, .show = show_text<kZero>},
    {.name = "has_memory", .mode = 0444, .show = show_text<kZero>},
    {.name = "node0", .mode = 0755, .children = kOneNodeEntries},
    {.name = "online", .mode = 0444, .show = show_text<kZero>},
    {.name = "possible", .mode = 0444, .show = show_text<kZero>},
};
constexpr Entry kSystemEntries[] = {{.name = "cpu", .mode = 0755, .children = kCpuEntries, .numbers = &kCpus},
                                    {.name = "node", .mode = 0755, .children = kNodeEntries}};
constexpr Entry kDevicesEntries[] = {{.name = "system", .mode = 0755, .children = kSystemEntries}};

// Memory comes in huge pages where it can, without being asked; shared memory never does.
constexpr Entry kHugePageEntries[] = {
    {.name = "enabled", .mode = 0444, .show = show_text<kAlways>},
    {.name = "hpage_pmd_size", .mode = 0444, .show = show_text<kHugePage>},
    {.name = "shmem_enabled", .mode = 0444, .show = show_text<kNever>},
};
constexpr Entry kMmEntries[] = {{.name = "transparent_hugepage", .mode = 0755, .children = kHugePageEntries}};
constexpr Entry kKernelEntries[] = {{.name = "mm", .mode = 0755, .children = kMmEntries}};
constexpr Entry kRootEntries[] = {
    {.name = "block", .mode = 0755},  {.name = "bus", .mode = 0755},
    {.name = "class", .mode = 0755},  {.name = "devices", .mode = 0755, .children = kDevicesEntries},
    {.name = "fs", .mode = 0755},     {.name = "kernel", .mode = 0755, .children = kKernelEntries},
    {.name = "module", .mode = 0755},
};
constexpr Entry kRoot{.name = "", .mode = 0555, .children = kRootEntries};

}  // namespace

Result<Ref<FileSystem>> create_sysfs(std::string_view) {
    constexpr i64 kMagic = 0x62656572;
    return make_table_file_system({"sysfs", kMagic, false, kRoot});
}

}  // namespace astra::fs
