// Page faults: which page an access brings in, and when it is copied.
#include <algorithm>

#include "guest_kernel/drivers/counters.hpp"
#include "guest_kernel/mm/frame_table.hpp"
#include "guest_kernel/mm/space.hpp"
#include "guest_kernel/mm/warm_tables.hpp"

namespace astra::mm {

using arch::PageEntry;
using arch::PageFlags;

namespace {

/// Pages brought in around a file page that is read, when they are in memory anyway. Aligned, so that one
/// leaf table serves them all.
constexpr u64 kAroundPages = 16;

FaultOutcome outcome_of(Errno error) {
    return error == Errno::kENOMEM ? FaultOutcome::OutOfMemory : FaultOutcome::BeyondEnd;
}

u8* bytes_of(PhysAddr frame) { return static_cast<u8*>(arch::phys_to_virt(frame)); }

}  // namespace

FaultOutcome Operation::fault_in(Area& area, u64 page, bool write) {
    PageEntry entry = guard_->table.lookup(UserAddr(page));
    if (is_mapped(entry)) {
        if (!write || arch::has(entry.flags, PageFlags::Write)) return FaultOutcome::Resolved;
        return copy_on_write(area, page, entry);
    }
    if (adopt_leaf(page)) return fault_in(area, page, write);
    return area.source ? fault_source(area, page, write) : fault_anonymous(area, page, write);
}

FaultOutcome Operation::install(u64 page, FrameRef frame, PageFlags flags) {
    PhysAddr address = frame.frame();
    if (!guard_->table.map(UserAddr(page), address, flags)) return FaultOutcome::OutOfMemory;
    if (address != zero_frame()) guard_->add_resident(1);
    (void)frame.leak();  // the entry owns it now
    return FaultOutcome::Resolved;
}

/// Gives the area its own copy of a page, in place of what was mapped.
FaultOutcome Operation::install_copy(Area& area, u64 page, PhysAddr from) {
    bool zeros = from == zero_frame();
    Result<PhysAddr> copy = alloc_frame(zeros ? Zero::Yes : Zero::No);
    if (!copy) return FaultOutcome::OutOfMemory;
    if (!zeros) __builtin_memcpy(bytes_of(*copy), bytes_of(from), kPageSize);
    counters::add(counters::local().cow_copies);
    if (area.source) area.flags |= kAreaCopied;
    return install(page, FrameRef::adopt(*copy), leaf_flags(area, true));
}

FaultOutcome Operation::fault_anonymous(Area& area, u64 page, bool write) {
    if (!write) return install(page, FrameRef::share(zero_frame()), leaf_flags(area, false));
    if (map_huge(area, page)) return FaultOutcome::Resolved;
    Result<PhysAddr> frame = alloc_frame(Zero::Yes);
    if (!frame) return FaultOutcome::OutOfMemory;
    FaultOutcome outcome = install(page, FrameRef::adopt(*frame), leaf_flags(area, true));
    if (outcome == FaultOutcome::Resolved) fill_around(area, page);
    return outcome;
}

/// Where faults are dear: the rest of the page's group in a large area, as long as memory is plentiful.
/// Failures do not matter.
void Operation::fill_around(Area& area, u64 page) {
    if (!warm_tables_used() || (area.end - area.start) >> kPageShift < kWarmPages || area.has(kAreaNoHuge))
        return;
    if (!is_plentiful()) return;
    u64 group = align_down(page, kAroundPages * kPageSize);
    u64 first = std::max(group, area.start), last = std::min(group + kAroundPages * kPageSize, area.end);
    for (u64 at = first; at < last; at += kPageSize) {
        if (is_mapped(guard_->table.lookup(UserAddr(at)))) continue;
        Result<PhysAddr> frame = alloc_frame(Zero::Yes);
        if (!frame) return;
        if (install(at, FrameRef::adopt(*frame), leaf_flags(area, true)) != FaultOutcome::Resolved) return;
    }
}

/// A whole 2 MiB page, where the area has room for one, nothing of it is mapped yet and memory is plentiful.
bool Operation::map_huge(Area& area, u64 page) {
    u64 base = align_down(page, kHugePageSize), end = base + kHugePageSize;
    if (base < area.start || end > area.end || area.has(kAreaNoHuge)) return false;
    UserAddr first(base);
    if (is_mapped(guard_->table.next_mapped(first, UserAddr(end)))) return false;
    if (!is_plentiful()) return false;
    constexpr u32 kOrder = kHugePageShift - kPageShift;
    Result<PhysAddr> frames = alloc_frames(kOrder, Zero::Yes);
    if (!frames) return false;
    if (!guard_->table.map_huge(UserAddr(base), *frames, leaf_flags(area, true))) {
        free_frames(*frames, kOrder);
        return false;
    }
    split_frames(*frames, kOrder);
    guard_->add_resident(1 << kOrder);
    return true;
}

FaultOutcome Operation::fault_source(Area& area, u64 page, bool write) {
    u64 index = area.page_index(page);
    if (index >= align_up(area.source->mapping_size(), kPageSize) >> kPageShift)
        return FaultOutcome::BeyondEnd;
    bool shared = area.has(kAreaShared);
    Result<FrameRef> frame = area.source->page(index, shared && write);
    if (!frame) return outcome_of(frame.error());
    if (write && !shared) return install_copy(area, page, frame->frame());
    FaultOutcome outcome = install(page, std::move(*frame), leaf_flags(area, write));
    if (outcome == FaultOutcome::Resolved && !write) map_around(area, page);
    return outcome;
}

/// Maps neighbours of a file page for reading, as far as they are in memory. Failures do not matter.
void Operation::map_around(Area& area, u64 page) {
    u64 first = align_down(page, kAroundPages * kPageSize), last = first + kAroundPages * kPageSize;
    u64 pages = align_up(area.source->mapping_size(), kPageSize) >> kPageShift;
    if (first < area.start) first = area.start;
    if (last > area.end) last = area.end;
    for (u64 at = first; at < last; at += kPageSize) {
        if (area.page_index(at) >= pages) return;
        if (at == page || is_mapped(guard_->table.lookup(UserAddr(at)))) continue;
        FrameRef frame = area.source->page_if_resident(area.page_index(at));
        if (frame && install(at, std::move(frame), leaf_flags(area, false)) != FaultOutcome::Resolved) return;
    }
}

/// A write to a page that is there but not writable, in an area that is.
FaultOutcome Operation::copy_on_write(Area& area, u64 page, const PageEntry& entry) {
    arch::PageTable& table = guard_->table;
    if (area.has(kAreaShared)) {
        Result<FrameRef> frame = area.source->page(area.page_index(page), true);
        if (!frame) return outcome_of(frame.error());
        if (frame->frame() == entry.frame) {
            table.protect(UserAddr(page), leaf_flags(area, true));
            return FaultOutcome::Resolved;
        }
        retire(page, table.unmap(UserAddr(page)));
        return install(page, std::move(*frame), leaf_flags(area, true));
    }
    if (is_sole_owner(entry)) {
        table.protect(UserAddr(page), leaf_flags(area, true));
        return FaultOutcome::Resolved;
    }
    if (arch::has(entry.flags, PageFlags::Huge)) {
        if (!table.split(UserAddr(page))) return FaultOutcome::OutOfMemory;
        return copy_on_write(area, page, table.lookup(UserAddr(page)));
    }
    FaultOutcome outcome = install_copy(area, page, entry.frame);
    if (outcome == FaultOutcome::Resolved) retire(page, entry);
    return outcome;
}

}  // namespace astra::mm
