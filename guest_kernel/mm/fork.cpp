// fork: a copy of an address space that shares every private page until one side writes to it.
#include "guest_kernel/mm/space.hpp"

namespace astra::mm {

using arch::PageEntry;
using arch::PageFlags;

namespace {

constexpr PageFlags without_write(PageFlags flags) {
    return PageFlags(u32(flags) & ~u32(PageFlags::Write | PageFlags::Dirty));
}

/// Pages that the child would find again through the source need not be copied.
bool has_own_pages(const Area& area) {
    if (area.has(kAreaShared) || area.has(kAreaWipeOnFork)) return false;
    return !area.source || area.has(kAreaCopied);
}

/// Where faults are dear a process with few pages to write to is copied: it would copy them one by one, by
/// faults.
constexpr u64 kMostCopies = 64;

u64 writable_pages(Operation& parent) {
    u64 count = 0;
    for (Area* area = parent->areas.first(); area; area = parent->areas.next(*area)) {
        UserAddr at(area->start);
        if (area->has(kAreaDontFork) || !has_own_pages(*area)) continue;
        for (PageEntry e; is_mapped(e = parent->table.next_mapped(at, UserAddr(area->end))); at += size_of(e))
            if (arch::has(e.flags, PageFlags::Write)) count += size_of(e) >> kPageShift;
    }
    return count;
}

/// Gives the child a copy of its own. False: memory is short, share it.
bool copy_page(Operation& child, UserAddr at, const PageEntry& entry) {
    Result<PhysAddr> copy = alloc_frame(Zero::No);
    if (!copy) return false;
    __builtin_memcpy(arch::phys_to_virt(*copy), arch::phys_to_virt(entry.frame), kPageSize);
    if (child->table.map(at, *copy, entry.flags)) {
        child->add_resident(1);
        return true;
    }
    unref_frame(*copy);
    return false;
}

Result<void> share_pages(Operation& parent, Operation& child, const Area& area, bool copies) {
    arch::PageTable& table = parent->table;
    const UserAddr end(area.end);
    UserAddr at(area.start);
    for (PageEntry entry; is_mapped(entry = table.next_mapped(at, end)); at += size_of(entry)) {
        if (warm_tables_used() && is_mapped(child->table.lookup(at))) continue;
        if (copies && arch::has(entry.flags, PageFlags::Write) && copy_page(child, at, entry)) continue;
        PageFlags flags = without_write(entry.flags);
        if (arch::has(entry.flags, PageFlags::Huge))
            TRY(child->table.map_huge(at, entry.frame, flags));
        else
            TRY(child->table.map(at, entry.frame, flags));
        for (u64 i = 0; i < size_of(entry); i += kPageSize) ref_frame(entry.frame + i);
        child->add_resident(resident_pages(entry));
        if (!arch::has(entry.flags, PageFlags::Write)) continue;
        table.protect(at, flags);
        parent.tightened(at.raw(), at.raw() + size_of(entry));
    }
    return {};
}

}  // namespace

Result<Ref<AddressSpace>> AddressSpace::fork() {
    Ref<AddressSpace> copy = TRY(create());
    {
        Operation parent(*this, *map_);
        Operation child(*copy, *copy->map_, true);
        child->break_start = parent->break_start;
        child->break_end = parent->break_end;
        child->limits = parent->limits;
        copy->layout = layout;
        for (Area* area = parent->areas.first(); area; area = parent->areas.next(*area)) {
            if (area->has(kAreaDontFork)) continue;
            Area* twin = TRY(child.make_area());
            twin->copy_traits(*area);
            twin->flags &= ~kAreaLocked;
            twin->start = area->start;
            twin->end = area->end;
            twin->offset = area->offset;
            Area& inserted = child.insert(*twin);
            if (!has_own_pages(*area)) inserted.flags &= ~kAreaCopied;
        }
        bool copies = false;
        if (map_->warmth.key != 0) {
            copy->map_->warmth = {WarmKind::Forked, map_->warmth.key};
            child.adopt_tree(copy->map_->warmth, parent->table);
            copies = writable_pages(parent) <= kMostCopies;
        }
        for (Area* area = parent->areas.first(); area; area = parent->areas.next(*area))
            if (!area->has(kAreaDontFork) && has_own_pages(*area))
                TRY(share_pages(parent, child, *area, copies));
    }
    return copy;
}

}  // namespace astra::mm
