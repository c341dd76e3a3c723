// Summing up a guest's counters.
#include "vmm/control/counters.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>

#include "guest_kernel/abi/counters.hpp"
#include "guest_kernel/abi/syscall_table.hpp"

namespace astra::vmm {
namespace {

using namespace abi::counters;

// Slot i of CpuCounters::syscalls belongs to row i of the table.
// Not a deduced std::array: clang limits the rows of those.
constexpr const char* kNames[]{
#define ASTRA_ROW(linux, astra, name, ...) #name,
    ASTRA_SYSCALL_TABLE(ASTRA_ROW)
#undef ASTRA_ROW
};
static_assert(std::size(kNames) <= kSyscallSlots);

struct NamedCell {
    const char* name;
    usize offset;
};
constexpr std::array kCells{
    NamedCell{"page_faults", offsetof(CpuCounters, page_faults)},
    NamedCell{"cow_copies", offsetof(CpuCounters, cow_copies)},
    NamedCell{"context_switches", offsetof(CpuCounters, context_switches)},
    NamedCell{"interrupts", offsetof(CpuCounters, interrupts)},
    NamedCell{"timer_interrupts", offsetof(CpuCounters, timer_interrupts)},
    NamedCell{"tlb_shootdowns", offsetof(CpuCounters, tlb_shootdowns)},
    NamedCell{"gate_calls", offsetof(CpuCounters, gate_calls)},
    NamedCell{"run_queue_delay_ns", offsetof(CpuCounters, run_queue_delay_ns)},
    NamedCell{"idle_ns", offsetof(CpuCounters, idle_ns)},
    NamedCell{"trapped_calls", offsetof(CpuCounters, trapped_calls)},
    NamedCell{"direct_calls", offsetof(CpuCounters, direct_calls)},
};

}  // namespace

usize CountersReader::cpus() const {
    if (region_.size() < kHeadBytes) return 0;
    return std::min<usize>((region_.size() - kHeadBytes) / kCpuStride, kMaxCpus);
}

u64 CountersReader::load(usize offset) const {
    return std::atomic_ref<u64>(*reinterpret_cast<u64*>(region_.data() + offset))
        .load(std::memory_order_relaxed);
}

u64 CountersReader::sum(usize offset) const {
    u64 total = 0;
    for (usize cpu = 0; cpu < cpus(); cpu++) total += load(kHeadBytes + cpu * kCpuStride + offset);
    return total;
}

u64 CountersReader::largest(usize offset) const {
    u64 most = 0;
    for (usize cpu = 0; cpu < cpus(); cpu++)
        most = std::max(most, load(kHeadBytes + cpu * kCpuStride + offset));
    return most;
}

bool CountersReader::set_timing(bool on) const {
    if (region_.size() < kHeadBytes) return false;
    std::atomic_ref<u32> word(*reinterpret_cast<u32*>(region_.data() + offsetof(Head, control)));
    if (on)
        word.fetch_or(kTiming, std::memory_order_relaxed);
    else
        word.fetch_and(~u32{kTiming}, std::memory_order_relaxed);
    return true;
}

Result<control::Statistics> CountersReader::read() const {
    if (cpus() == 0) return fail(Code::Corrupt, "the guest's counters region is too small");
    if (load(offsetof(Head, magic)) != kMagic)
        return fail(Code::Corrupt, "the guest has not set up its counters");
    u32 version = static_cast<u32>(load(offsetof(Head, version)));
    if (version != kVersion)
        return fail(Code::Corrupt, "the guest's counters have version " + std::to_string(version) + ", not " +
                                       std::to_string(kVersion));
    control::Statistics statistics{.syscalls = read_syscalls(), .unknown = read_unknown(), .counters = {}};
    for (const NamedCell& cell : kCells) statistics.counters.push_back({cell.name, sum(cell.offset)});
    return statistics;
}

std::vector<control::SyscallStatistics> CountersReader::read_syscalls() const {
    std::vector<control::SyscallStatistics> rows;
    for (usize slot = 0; slot < std::size(kNames); slot++) {
        usize base = offsetof(CpuCounters, syscalls) + slot * sizeof(Syscall);
        control::SyscallStatistics row{.name = kNames[slot]};
        row.calls = sum(base + offsetof(Syscall, calls));
        if (row.calls == 0) continue;
        row.errors = sum(base + offsetof(Syscall, errors));
        row.total_ns = sum(base + offsetof(Syscall, total_ns));
        row.mean_ns = row.total_ns / row.calls;
        row.max_ns = largest(base + offsetof(Syscall, max_ns));
        row.blocked_ns = sum(base + offsetof(Syscall, blocked_ns));
        row.histogram.resize(kHistogramBuckets);
        for (usize i = 0; i < kHistogramBuckets; i++)
            row.histogram[i] = sum(base + offsetof(Syscall, histogram) + i * sizeof(u64));
        row.p50_ns = percentile(row.histogram, 0.50, row.max_ns);
        row.p99_ns = percentile(row.histogram, 0.99, row.max_ns);
        rows.push_back(std::move(row));
    }
    std::ranges::stable_sort(rows, [](const auto& a, const auto& b) {
        return a.total_ns != b.total_ns ? a.total_ns > b.total_ns : a.calls > b.calls;
    });
    return rows;
}

std::vector<control::UnknownSyscall> CountersReader::read_unknown() const {
    std::map<u64, u64> calls;
    for (usize cpu = 0; cpu < cpus(); cpu++) {
        for (usize i = 0; i < kUnknownSlots; i++) {
            usize at = kHeadBytes + cpu * kCpuStride + offsetof(CpuCounters, unknown) + i * sizeof(Unknown);
            u64 count = load(at + offsetof(Unknown, calls));
            if (count > 0) calls[load(at + offsetof(Unknown, number))] += count;
        }
    }
    std::vector<control::UnknownSyscall> rows;
    for (auto [number, count] : calls) rows.push_back({number, count});
    return rows;
}

u64 percentile(std::span<const u64> histogram, double fraction, u64 max_ns) {
    double total = 0;
    for (u64 count : histogram) total += static_cast<double>(count);
    double wanted = fraction * total;
    for (usize i = 0; i < histogram.size(); i++) {
        auto count = static_cast<double>(histogram[i]);
        if (count > 0 && count >= wanted) {
            double low = static_cast<double>(u64{1} << i);
            return std::min(static_cast<u64>(low + low * (wanted / count)), max_ns);
        }
        wanted -= count;
    }
    return total > 0 ? max_ns : 0;
}

}  // namespace astra::vmm
