// The counters region, kernel side.
#include "guest_kernel/drivers/counters.hpp"

#include "guest_kernel/abi/syscall_rows.hpp"
#include "guest_kernel/drivers/command_line.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::counters {

using namespace abi::counters;

namespace {

constinit PhysAddr region;
constinit u64 region_size = 0;
// Before init, and on any CPU beyond those the region was made for, counts go where nobody looks.
constinit CpuCounters unseen{};
constinit CpuCounters* blocks[arch::kMaxCpus] = {&unseen, &unseen, &unseen, &unseen,
                                                 &unseen, &unseen, &unseen, &unseen};
constinit Head* head = nullptr;

}  // namespace

Result<void> init(u32 cpus) {
    u64 wanted = region_bytes(cpus);
    if (auto text = command_line_value("astra.counters")) {
        auto bytes = take_number(*text);
        if (!bytes || *bytes < wanted || !text->starts_with('@')) return fail(Errno::kEINVAL);
        text->remove_prefix(1);
        auto base = take_number(*text);
        if (!base || !is_aligned(*base, kPageSize)) return fail(Errno::kEINVAL);
        region = PhysAddr(*base);
    } else {
        u32 order = 0;
        while ((kPageSize << order) < wanted) order++;
        region = TRY(mm::alloc_frames(order, mm::Zero::Yes));
    }
    region_size = wanted;
    auto* bytes = static_cast<u8*>(arch::phys_to_virt(region));
    head = reinterpret_cast<Head*>(bytes);
    for (u32 cpu = 0; cpu < cpus; cpu++)
        blocks[cpu] = reinterpret_cast<CpuCounters*>(bytes + kHeadBytes + cpu * kCpuStride);
    head->version = kVersion;
    head->cpus = cpus;
    head->cpu_stride = kCpuStride;
    head->syscall_rows = abi::kSyscallRows;
    head->tsc_hz = arch::tsc_hz();
    if (head->control == 0)
        head->control = kTiming;  // a host that wants none says so before it starts the kernel
    __atomic_store_n(&head->magic, kMagic, __ATOMIC_RELEASE);
    return {};
}

u64 phys() { return region.raw(); }
u64 size() { return region_size; }
CpuCounters& local() { return *blocks[arch::cpu_index()]; }
u32 control() { return head ? __atomic_load_n(&head->control, __ATOMIC_RELAXED) : 0; }

void syscall_entered(u32 row) { add(local().syscalls[row].calls); }

void syscall_left(u32 row, bool error, u64 elapsed_ns, u64 blocked_ns) {
    Syscall& cell = local().syscalls[row];
    if (error) add(cell.errors);
    if (elapsed_ns == 0) return;
    add(cell.total_ns, elapsed_ns);
    raise_to(cell.max_ns, elapsed_ns);
    if (blocked_ns) add(cell.blocked_ns, blocked_ns);
    u32 bucket = 63 - static_cast<u32>(__builtin_clzll(elapsed_ns));
    add(cell.histogram[bucket < kHistogramBuckets ? bucket : kHistogramBuckets - 1]);
}

void unknown_syscall(u64 number) {
    CpuCounters& counters = local();
    for (u32 probe = 0; probe < kUnknownSlots; probe++) {
        Unknown& slot = counters.unknown[(number + probe) % kUnknownSlots];
        if (slot.calls != 0 && slot.number != number) continue;
        __atomic_store_n(&slot.number, number, __ATOMIC_RELAXED);
        add(slot.calls);
        return;
    }
    // Full: 64 different unknown numbers on one CPU. The last slot stands for "others".
    Unknown& others = counters.unknown[(number + kUnknownSlots - 1) % kUnknownSlots];
    __atomic_store_n(&others.number, kOtherNumbers, __ATOMIC_RELAXED);
    add(others.calls);
}

}  // namespace astra::counters
