// Leaf tables that leave an address space with their pages and come back (warm_tables.hpp says why).
#include "guest_kernel/mm/warm_tables.hpp"

#include <algorithm>

#include "guest_kernel/mm/space.hpp"

namespace astra::mm {

using arch::PageEntry;
using arch::PageFlags;
using arch::PageTable;

namespace {

constexpr u64 kLeafEntries = kHugePageSize / kPageSize;
/// A table with fewer pages than this is not worth its keep.
constexpr u64 kFewestPages = 16;

u8* bytes_of(PhysAddr frame) { return static_cast<u8*>(arch::phys_to_virt(frame)); }

}  // namespace

bool is_outside_ram(PhysAddr frame) { return frame != zero_frame() && frame_refs(frame) == ~0u; }

bool may_stay(const Area& area, const PageEntry& entry) {
    if (arch::has(entry.flags, PageFlags::Huge) || area.has(kAreaShared)) return false;
    if (is_outside_ram(entry.frame)) return area.source && entry.flags == leaf_flags(area, false);
    return frame_refs(entry.frame) == 1;
}

/// True when no area but those of [start, end) reaches into the slot.
bool Operation::serves_alone(u64 slot, u64 start, u64 end) {
    if (start > slot && guard_->areas.overlapping(slot, start)) return false;
    return end >= slot + kHugePageSize || !guard_->areas.overlapping(end, slot + kHugePageSize);
}

void Operation::park(u64 start, u64 end) {
    if (!warm_tables_used() || (end - start) >> kPageShift < kFewestPages || !is_plentiful()) return;
    PageTable& table = guard_->table;
    UserAddr at(start);
    while (is_mapped(table.next_mapped(at, UserAddr(end)))) {
        const u64 slot = align_down(at.raw(), kHugePageSize);
        const UserAddr last(std::min(end, slot + kHugePageSize));
        u64 pages = 0;
        if (serves_alone(slot, start, end)) {
            Area* area = nullptr;
            for (PageEntry e; is_mapped(e = table.next_mapped(at, last)); at += size_of(e)) {
                if (!area || at.raw() >= area->end) area = guard_->areas.find(at.raw());
                if (!area || !may_stay(*area, e)) {
                    table.unmap(at);
                    retire(at.raw(), e);
                    continue;
                }
                pages++;
            }
        }
        at = last;
        if (pages < kFewestPages) continue;
        if (leaf_count_ == kLeavesMax) flush();
        PhysAddr leaf = table.detach_leaf(UserAddr(slot));
        if (leaf.is_null()) continue;
        leaves_[leaf_count_++] = {slot, leaf};
        tightened(slot, last.raw());
        guard_->add_resident(-static_cast<i64>(pages));
    }
}

/// True when `entry`, of a parked table, is what belongs at `page` of `area`: a page of the image that a
/// fault would bring in, or a page of its own, which is filled from `contents` or as a fault would. `small`:
/// also in areas too small to be brought in unasked.
bool Operation::renews(Area& area, u64 page, const PageEntry& entry, const PageEntry& contents, bool small) {
    const bool own = !is_outside_ram(entry.frame);
    if (area.has(kAreaShared) || entry.flags != leaf_flags(area, own)) return false;
    if (is_mapped(contents) && arch::has(contents.flags, PageFlags::Huge)) return false;
    if (!own && is_mapped(contents)) return contents.frame == entry.frame;
    if (own && is_mapped(contents)) {
        __builtin_memcpy(bytes_of(entry.frame), bytes_of(contents.frame), kPageSize);
    } else if (area.source) {
        const u64 index = area.page_index(page);
        if (index >= align_up(area.source->mapping_size(), kPageSize) >> kPageShift) return false;
        FrameRef now = area.source->page_if_resident(index);
        if (!now || !own) return now && now.frame() == entry.frame;
        __builtin_memcpy(bytes_of(entry.frame), now.data(), kPageSize);
    } else {
        const bool large = !area.has(kAreaNoHuge) && (area.end - area.start) >> kPageShift >= kWarmPages;
        if (!own || (!small && !large)) return false;
        __builtin_memset(bytes_of(entry.frame), 0, kPageSize);
    }
    if (area.source) area.flags |= kAreaCopied;
    return true;
}

bool Operation::adopt_leaf(u64 page) {
    if (!warm_tables_used()) return false;
    const u64 slot = align_down(page, kHugePageSize);
    UserAddr at(slot);
    if (is_mapped(guard_->table.next_mapped(at, UserAddr(slot + kHugePageSize)))) return false;
    PhysAddr leaf = take_parked({WarmKind::Leaf, slot});
    if (leaf.is_null()) return false;
    i64 resident = 0;
    Area* area = nullptr;
    for (u64 i = 0; i < kLeafEntries; i++) {
        PageEntry entry = PageTable::leaf_entry(leaf, i);
        if (!is_mapped(entry)) continue;
        const u64 address = slot + i * kPageSize;
        if (!area || address >= area->end) area = guard_->areas.at_or_after(address);
        if (area && area->start <= address && renews(*area, address, entry, {}, false)) {
            resident++;
            continue;
        }
        PageTable::clear_leaf_entry(leaf, i);
        unref_frame(entry.frame);
    }
    if (!guard_->table.attach_leaf(UserAddr(slot), leaf)) {
        free_tables(WarmKind::Leaf, leaf);
        return false;
    }
    guard_->add_resident(resident);
    return is_mapped(guard_->table.lookup(UserAddr(page)));
}

}  // namespace astra::mm
