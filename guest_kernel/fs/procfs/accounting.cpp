// Files about what a process has moved, and what it may be chosen for (proc(5)).
#include "guest_kernel/fs/mount_options.hpp"
#include "guest_kernel/fs/procfs/files.hpp"
#include "guest_kernel/fs/walk.hpp"

namespace astra::fs::procfs {

// Files are in memory: no bytes come from or go to storage.
Result<void> show_io(const Subject& subject, Text& text) {
    sched::Process::IoCounts& io = TRY(private_process_of(subject))->io;
    text.add("rchar: %zu\nwchar: %zu\nsyscr: %zu\nsyscw: %zu\n", usize{io.read_bytes},
             usize{io.written_bytes}, usize{io.read_calls}, usize{io.write_calls});
    text.append("read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n");
    return {};
}

Result<void> show_oom_score_adjust(const Subject& subject, Text& text) {
    text.add("%d\n", TRY(process_of(subject))->oom_score_adjust.load());
    return {};
}

Result<void> store_oom_score_adjust(const Subject& subject, std::string_view value) {
    constexpr i64 kMost = 1000;
    Ref<sched::Process> process = TRY(private_process_of(subject));
    bool negative = value.starts_with('-');
    if (negative) value.remove_prefix(1);
    i64 wanted = static_cast<i64>(TRY(whole_number(value, 10, kMost + 1)));
    if (negative) wanted = -wanted;
    if (wanted < process->oom_score_adjust && !Caller::current().credentials.is_root())
        return fail(Errno::kEACCES);
    process->oom_score_adjust = static_cast<int>(wanted);
    return {};
}

// Kept for programs that set it: nothing dumps core here.
Result<void> show_core_dump_filter(const Subject& subject, Text& text) {
    text.add("%08x\n", TRY(process_of(subject))->core_dump_filter.load());
    return {};
}

Result<void> store_core_dump_filter(const Subject& subject, std::string_view value) {
    u32 base = value.starts_with("0x") ? 16 : 10;
    u64 bits = 0;
    if (base == 16) value.remove_prefix(2);
    if (value.empty() || value.size() > 8) return fail(Errno::kEINVAL);
    for (char c : value) {
        u32 digit = c >= '0' && c <= '9' ? u32(c - '0') : (c | 32) >= 'a' ? u32((c | 32) - 'a') + 10 : base;
        if (digit >= base) return fail(Errno::kEINVAL);
        bits = bits * base + digit;
    }
    TRY(private_process_of(subject))->core_dump_filter = static_cast<u32>(bits & 0x1ff);
    return {};
}

// One user namespace: ids are what they are.
Result<void> show_id_map(const Subject&, Text& text) {
    text.add("%10u %10u %10u\n", 0, 0, ~0u);
    return {};
}
Result<void> show_no_id(const Subject&, Text& text) {
    text.add("%u", ~0u);
    return {};
}
Result<void> show_set_groups(const Subject&, Text& text) {
    text.append("allow\n");
    return {};
}
Result<void> show_personality(const Subject&, Text& text) {
    text.append("00000000\n");
    return {};
}

}  // namespace astra::fs::procfs
