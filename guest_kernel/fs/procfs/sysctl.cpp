// /proc/sys: what programs look up about the kernel (sysctl(2), Linux Documentation/admin-guide/sysctl).
#include "guest_kernel/drivers/random.hpp"
#include "guest_kernel/fs/devpts.hpp"
#include "guest_kernel/fs/file_count.hpp"
#include "guest_kernel/fs/inotify.hpp"
#include "guest_kernel/fs/procfs/files.hpp"
#include "guest_kernel/mm/space.hpp"
#include "guest_kernel/syscalls/system.hpp"

namespace astra::fs::procfs {

namespace {

template <auto Member>
Result<void> show_identity(const Subject&, Text& text) {
    text.add("%s\n", system_identity().*Member);
    return {};
}

template <u64 Value>
Result<void> show_number(const Subject&, Text& text) {
    text.add("%zu\n", usize{Value});
    return {};
}

constexpr const char kCorePattern[] = "core";
template <const char* Value>
Result<void> show_text(const Subject&, Text& text) {
    text.add("%s\n", Value);
    return {};
}

Result<void> store_hostname(const Subject&, std::string_view name) { return set_host_name(name); }

/// A random UUID (RFC 4122, 4.4).
struct Uuid {
    u8 bytes[16];
    static Uuid make() {
        Uuid id;
        random_bytes(id.bytes);
        id.bytes[6] = (id.bytes[6] & 0x0f) | 0x40;
        id.bytes[8] = (id.bytes[8] & 0x3f) | 0x80;
        return id;
    }
    void add_to(Text& text) const {
        for (int i = 0; i < 16; i++)
            text.add(i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", bytes[i]);
        text.append("\n");
    }
};

Result<void> show_uuid(const Subject&, Text& text) {
    Uuid::make().add_to(text);
    return {};
}

struct BootId {
    Uuid id{};
    bool made = false;
};
sched::SpinLocked<BootId, sched::Rank::Attributes> g_boot_id;

Result<void> show_boot_id(const Subject&, Text& text) {
    Uuid fresh = Uuid::make();
    Uuid id = g_boot_id.with([&](BootId& boot) {
        if (!boot.made) boot = {fresh, true};
        return boot.id;
    });
    id.add_to(text);
    return {};
}

Result<void> show_file_numbers(const Subject&, Text& text) {
    text.add("%zu\t0\t9223372036854775807\n", usize{open_files()});
    return {};
}

constexpr Entry kRandomEntries[] = {
    {.name = "boot_id", .mode = 0444, .show = show_boot_id},
    {.name = "entropy_avail", .mode = 0444, .show = show_number<256>},
    {.name = "poolsize", .mode = 0444, .show = show_number<256>},
    {.name = "uuid", .mode = 0444, .show = show_uuid},
};
constexpr Entry kPtyEntries[] = {
    {.name = "max", .mode = 0444, .show = show_number<Devpts::kMost>},
};
constexpr Entry kKernelEntries[] = {
    {.name = "cap_last_cap", .mode = 0444, .show = show_number<40>},
    {.name = "core_pattern", .mode = 0444, .show = show_text<kCorePattern>},
    {.name = "core_uses_pid", .mode = 0444, .show = show_number<0>},
    {.name = "dmesg_restrict", .mode = 0444, .show = show_number<0>},
    {.name = "domainname", .mode = 0444, .show = show_identity<&abi::UtsName::domainname>},
    {.name = "hostname",
     .mode = 0644,
     .show = show_identity<&abi::UtsName::nodename>,
     .store = store_hostname},
    {.name = "ngroups_max", .mode = 0444, .show = show_number<std::size(sched::Credentials{}.groups)>},
    {.name = "osrelease", .mode = 0444, .show = show_identity<&abi::UtsName::release>},
    {.name = "ostype", .mode = 0444, .show = show_identity<&abi::UtsName::sysname>},
    {.name = "overflowgid", .mode = 0444, .show = show_number<65534>},
    {.name = "overflowuid", .mode = 0444, .show = show_number<65534>},
    {.name = "panic", .mode = 0444, .show = show_number<0>},
    {.name = "perf_event_paranoid", .mode = 0444, .show = show_number<4>},
    {.name = "pid_max", .mode = 0444, .show = show_number<sched::ProcessTree::kMaxPid>},
    {.name = "pty", .mode = 0555, .children = kPtyEntries},
    {.name = "random", .mode = 0555, .children = kRandomEntries},
    {.name = "randomize_va_space", .mode = 0444, .show = show_number<0>},
    {.name = "tainted", .mode = 0444, .show = show_number<0>},
    {.name = "threads-max", .mode = 0444, .show = show_number<sched::ProcessTree::kMaxPid>},
    {.name = "version", .mode = 0444, .show = show_identity<&abi::UtsName::version>},
};
// Memory is promised without counting (MAP_NORESERVE for all): what Linux calls mode 1.
constexpr Entry kVmEntries[] = {
    {.name = "max_map_count", .mode = 0444, .show = show_number<mm::kMaxAreas>},
    {.name = "mmap_min_addr", .mode = 0444, .show = show_number<mm::kLowestMapping>},
    {.name = "nr_hugepages", .mode = 0444, .show = show_number<0>},
    {.name = "overcommit_memory", .mode = 0444, .show = show_number<1>},
    {.name = "overcommit_ratio", .mode = 0444, .show = show_number<50>},
    {.name = "swappiness", .mode = 0444, .show = show_number<0>},
};
constexpr Entry kInotifyEntries[] = {
    {.name = "max_queued_events", .mode = 0444, .show = show_number<kMostQueuedEvents>},
    {.name = "max_user_instances", .mode = 0444, .show = show_number<1024>},
    {.name = "max_user_watches", .mode = 0444, .show = show_number<kMostWatches>},
};
constexpr Entry kFsEntries[] = {
    {.name = "file-max", .mode = 0444, .show = show_number<u64{INT64_MAX}>},
    {.name = "file-nr", .mode = 0444, .show = show_file_numbers},
    {.name = "inotify", .mode = 0555, .children = kInotifyEntries},
    {.name = "nr_open", .mode = 0444, .show = show_number<1048576>},
    {.name = "pipe-max-size", .mode = 0444, .show = show_number<1048576>},
    {.name = "protected_hardlinks", .mode = 0444, .show = show_number<1>},
};
constexpr Entry kEntries[] = {
    {.name = "fs", .mode = 0555, .children = kFsEntries},
    {.name = "kernel", .mode = 0555, .children = kKernelEntries},
    {.name = "vm", .mode = 0555, .children = kVmEntries},
};

}  // namespace

const std::span<const Entry> kSysctlEntries = kEntries;

}  // namespace astra::fs::procfs
