// Kernel stacks: slots of 64 KiB in an area of their own, the pages at a slot's end, so that what lies below
// is unmapped and an overflow faults. A freed slot is not reused before every CPU has forgotten it; that is
// asked for in batches.
#include <bit>

#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/arch/x86_64/tlb.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::arch {

namespace {

constexpr u64 kSlotBytes = 64 * 1024;
constexpr usize kSlots = 32768;
constexpr usize kSlotPages = kSlotBytes / kPageSize;
/// Freed slots that wait for one flush together.
constexpr usize kBatch = 64;

struct Slots {
    u64 used[kSlots / 64] = {};   // mapped, or freed and perhaps still in some TLB
    u64 stale[kSlots / 64] = {};  // the latter
    usize stale_count = 0;
    usize search_from = 0;  // words of `used` before this one are full

    /// A free slot, kSlots when there is none.
    usize take() {
        for (; search_from < kSlots / 64; search_from++) {
            u64& word = used[search_from];
            if (word == ~u64{0}) continue;
            usize bit = std::countr_one(word);
            word |= u64{1} << bit;
            return search_from * 64 + bit;
        }
        return kSlots;
    }
    void make_stale(usize slot) {
        stale[slot / 64] |= u64{1} << slot % 64;
        stale_count++;
    }
    /// After a flush: what was stale before it is free.
    void recycle() {
        for (usize i = 0; i < kSlots / 64; i++) {
            used[i] &= ~stale[i];
            stale[i] = 0;
        }
        stale_count = 0;
        search_from = 0;
    }
};
constinit Slots slots;
constinit sched::SpinLock slots_lock;

usize slot_of(const void* base) { return (reinterpret_cast<u64>(base) - ASTRA_STACK_AREA) / kSlotBytes; }

/// Sets the entries of `pages` pages from `first` on to those of `frames`, or to nothing when there are none.
Result<void> set_entries(u64 first, usize pages, std::span<const PhysAddr> frames) {
    for (usize i = 0; i < pages; i++) {
        Pte* entry = TRY(kernel_page_entry(first + i * kPageSize));
        *entry = frames.empty() ? 0 : frames[i].raw() | kPteKernelData;
    }
    return {};
}

Result<void*> map_locked(std::span<const PhysAddr> frames) {
    if (slots.stale_count >= kBatch) {
        flush_kernel_everywhere();
        slots.recycle();
    }
    usize slot = slots.take();
    if (slot == kSlots) return fail(Errno::kENOMEM);
    u64 first = ASTRA_STACK_AREA + (slot + 1) * kSlotBytes - frames.size() * kPageSize;
    if (Result<void> set = set_entries(first, frames.size(), frames); !set) {
        slots.make_stale(slot);  // its pages share one table, which is what was missing: nothing is mapped
        return fail(set.error());
    }
    return reinterpret_cast<void*>(first);
}

}  // namespace

Result<void*> map_kernel_stack(std::span<const PhysAddr> frames) {
    if (frames.empty() || frames.size() >= kSlotPages) return fail(Errno::kEINVAL);
    bool enabled = slots_lock.acquire();
    Result<void*> base = map_locked(frames);
    slots_lock.release(enabled);
    return base;
}

void unmap_kernel_stack(void* base, usize pages) {
    bool enabled = slots_lock.acquire();
    (void)set_entries(reinterpret_cast<u64>(base), pages,
                      {});  // the tables are there, the pages being mapped
    slots.make_stale(slot_of(base));
    slots_lock.release(enabled);
}

}  // namespace astra::arch
