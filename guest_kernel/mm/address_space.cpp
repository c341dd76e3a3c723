// AddressSpace: mmap, munmap, mprotect, brk, and faults as the rest of the kernel asks for them.
#include "guest_kernel/mm/address_space.hpp"

#include <algorithm>

#include "guest_kernel/mm/map_flags.hpp"
#include "guest_kernel/mm/shared_memory.hpp"
#include "guest_kernel/mm/space.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/mm/warm_tables.hpp"

namespace astra::mm {

using arch::PageEntry;
using arch::PageFlags;

AddressSpace::AddressSpace(AreaMap* map) : map_(map) {}

Result<Ref<AddressSpace>> AddressSpace::create() {
    Own<AreaMap> map = TRY(make_own<AreaMap>());
    map->space.unlocked().table = TRY(arch::PageTable::create());
    Ref<AddressSpace> space = TRY(make_ref<AddressSpace>(map.get()));
    (void)map.leak();
    return space;
}

AddressSpace::~AddressSpace() {
    if (map_->cpus.load() != 0) panic("an address space is destroyed while a CPU uses it");
    {
        Operation op(*this, *map_);
        // Area by area, so that empty tables between them are not searched; nothing sticks out to be split.
        if (!op.park_tree())
            while (Area* area = op->areas.first()) (void)op.unmap(area->start, area->end);
    }
    delete map_;
}

// ---- mapping
// ---------------------------------------------------------------------------------------------------------

namespace {

bool is_data(const Area& area) {
    return area.prot & kProtWrite && !area.has(kAreaShared) && !area.has(kAreaGrowsDown);
}

u64 data_bytes(const Space& space) {
    u64 bytes = 0;
    for (Area* a = space.areas.first(); a; a = space.areas.next(*a))
        if (is_data(*a)) bytes += a->end - a->start;
    return bytes;
}

}  // namespace

Result<void> check_limits(const Space& space, u64 length, bool data) {
    if ((space.mapped_pages << kPageShift) + length > space.limits.address_space) return fail(Errno::kENOMEM);
    if (data && space.limits.data != ~u64{0} && data_bytes(space) + length > space.limits.data)
        return fail(Errno::kENOMEM);
    return {};
}

namespace {

/// Private pages a program may write count as memory it may come to need.
bool wants_memory(const MapRequest& r) {
    return r.prot & kProtWrite && !(r.flags & (kMapShared | kMapNoReserve));
}

u32 area_flags(const MapRequest& r) {
    u32 flags = 0;
    if (r.flags & kMapShared) flags |= kAreaShared;
    if (r.flags & kMapGrowsDown) flags |= kAreaGrowsDown | kAreaNoHuge;
    if (r.flags & kMapNoReserve) flags |= kAreaNoReserve | kAreaNoHuge;
    if (r.flags & kMapStack) flags |= kAreaNoHuge;
    if (r.flags & kMapLocked) flags |= kAreaLocked;
    return flags;
}

Result<u64> fixed_place(Operation& op, const MapRequest& r, u64 length) {
    u64 start = r.hint.raw();
    if (!is_aligned(start, kPageSize)) return fail(Errno::kEINVAL);
    if (length > arch::kUserEnd || start > arch::kUserEnd - length) return fail(Errno::kENOMEM);
    if (start < kLowestMapping) return fail(Errno::kEPERM);
    if (r.flags & kMapFixedNoReplace) {
        if (op->areas.overlapping(start, start + length)) return fail(Errno::kEEXIST);
        return start;
    }
    TRY(op.unmap(start, start + length));
    return start;
}

}  // namespace

/// is any.
Result<u64> find_place(const Space& space, u64 hint, u64 length, u32 flags, bool huge) {
    if (length > arch::kUserEnd - kLowestMapping) return fail(Errno::kENOMEM);
    if (flags & kMap32Bit) return space.areas.gap_above(length, kPageSize, kMap32BitStart, kMap32BitEnd);
    hint = align_up(hint, kPageSize);
    if (hint >= kLowestMapping && hint <= arch::kUserEnd - length) {
        Result<u64> there = space.areas.gap_above(length, kPageSize, hint, hint + length);
        if (there) return there;
    }
    if (huge && length >= (warm_tables_used() ? kWarmPages * kPageSize : kHugePageSize)) {
        Result<u64> aligned =
            space.areas.gap_below(length, kHugePageSize, kLowestMapping, space.placement_top());
        if (aligned) return aligned;
    }
    Result<u64> below = space.areas.gap_below(length, kPageSize, kLowestMapping, space.placement_top());
    if (below) return below;
    return space.areas.gap_above(length, kPageSize, kLowestMapping, arch::kUserEnd);
}

Result<UserAddr> AddressSpace::map(const MapRequest& r) {
    u64 length = align_up(r.length, kPageSize);
    if (r.length == 0 || !is_aligned(r.offset, kPageSize)) return fail(Errno::kEINVAL);
    if (length == 0) return fail(Errno::kENOMEM);  // wrapped
    if (r.source && r.offset + length < r.offset) return fail(Errno::kEOVERFLOW);
    if (wants_memory(r) && length >> kPageShift > frame_stats().total) return fail(Errno::kENOMEM);
    Ref<PageSource> source = r.source;
    if (!source && r.flags & kMapShared) source = TRY(SharedMemory::create(length));
    u64 start;
    {
        Operation op(*this, *map_);
        TRY(check_limits(*op, length, wants_memory(r)));
        Own<Area> area(TRY(op.make_area()));
        if (r.flags & (kMapFixed | kMapFixedNoReplace))
            start = TRY(fixed_place(op, r, length));
        else
            start =
                TRY(find_place(*op, r.hint.raw(), length, r.flags, !source && !(r.flags & kMapNoReserve)));
        area->start = start;
        area->end = start + length;
        area->prot = r.prot & (kProtRead | kProtWrite | kProtExec);
        area->max_prot = r.max_prot;
        area->flags = area_flags(r) | (op->lock_future ? u32{kAreaLocked} : 0);
        area->source = std::move(source);
        area->offset = area->source ? r.offset : 0;
        area->keep = r.keep;
        area->name = r.name;
        op.insert(*area.leak());
    }
    // mmap(2) does not fail when populating does.
    if (r.flags & (kMapPopulate | kMapLocked) && !(r.flags & kMapNonBlock))
        (void)populate(UserAddr(start), length, r.prot & kProtWrite && !(r.flags & kMapShared));
    return UserAddr(start);
}

Result<void> AddressSpace::unmap(UserAddr start, u64 length) {
    length = align_up(length, kPageSize);
    if (!is_aligned(start.raw(), kPageSize) || length == 0 || !is_user_range(start, length))
        return fail(Errno::kEINVAL);
    Operation op(*this, *map_);
    return op.unmap(start.raw(), start.raw() + length);
}

// ---- protection
// ------------------------------------------------------------------------------------------------------

namespace {

/// A CPU that goes on using `before` does something `after` forbids. One that lacks a right it has been given
/// looks again by itself.
bool loses_access(PageFlags before, PageFlags after) {
    constexpr u32 kRights = u32(PageFlags::Present | PageFlags::Write | PageFlags::Execute);
    return (u32(before) & ~u32(after) & kRights) != 0;
}

/// Gives the pages of `area` in [start, end) its protection. Pages that only their area refers to become
/// writable at once, the others at their next write.
void protect_pages(Operation& op, const Area& area, u64 start, u64 end) {
    arch::PageTable& table = op->table;
    UserAddr at(start);
    for (PageEntry entry; is_mapped(entry = table.next_mapped(at, UserAddr(end))); at += size_of(entry)) {
        bool was_writable = arch::has(entry.flags, PageFlags::Write);
        bool own = !area.has(kAreaShared) && is_sole_owner(entry);
        PageFlags flags = leaf_flags(area, was_writable || own);
        table.protect(at, flags);
        if (loses_access(entry.flags, flags)) op.tightened(at.raw(), at.raw() + size_of(entry));
    }
}

}  // namespace

Result<void> AddressSpace::protect(UserAddr from, u64 length, u32 prot) {
    length = align_up(length, kPageSize);
    if (!is_aligned(from.raw(), kPageSize)) return fail(Errno::kEINVAL);
    if (length == 0) return {};
    if (!is_user_range(from, length)) return fail(Errno::kENOMEM);
    u64 start = from.raw(), end = start + length;
    u32 wanted = prot & (kProtRead | kProtWrite | kProtExec);
    Operation op(*this, *map_);
    Area* first = op->areas.find(start);
    if (!first) return fail(Errno::kENOMEM);
    if (prot & kProtGrowsDown) {
        if (!first->has(kAreaGrowsDown)) return fail(Errno::kEINVAL);
        start = first->start;
    }
    while (start < end) {
        Area* area = op->areas.find(start);
        if (!area) return fail(Errno::kENOMEM);
        if (wanted & ~area->max_prot) return fail(Errno::kEACCES);
        u64 part = std::min(end, area->end);
        if (area->prot != wanted) {
            TRY(op.cut(start));
            TRY(op.cut(part));
            area = op->areas.find(start);
            area->prot = wanted;
            if (wanted & kProtWrite && area->has(kAreaCopied)) op.restore_rewritten(start, part);
            protect_pages(op, *area, start, part);
            op.join(*area);
        }
        start = part;
    }
    return {};
}

// ---- heap
// ------------------------------------------------------------------------------------------------------------

void AddressSpace::init_break(UserAddr start) {
    Operation op(*this, *map_);
    op->break_start = op->break_end = start.raw();
}

void AddressSpace::set_limits(const Limits& limits) {
    Operation op(*this, *map_);
    op->limits = limits;
}

UserAddr AddressSpace::set_break(UserAddr wanted) {
    Operation op(*this, *map_);
    u64 old = op->break_end, now = wanted.raw();
    UserAddr unchanged(old);
    if (now < op->break_start || now > arch::kUserEnd) return unchanged;
    u64 old_end = align_up(old, kPageSize), end = align_up(now, kPageSize);
    if (end < old_end) {
        if (!op.unmap(end, old_end)) return unchanged;
    } else if (end > old_end) {
        if (now - op->break_start > op->limits.data || !check_limits(*op, end - old_end, true))
            return unchanged;
        if (!op->areas.gap_above(end - old_end, kPageSize, old_end, end)) return unchanged;
        if ((end - old_end) >> kPageShift > frame_stats().total) return unchanged;
        Result<Area*> area = op.make_area();
        if (!area) return unchanged;
        (*area)->start = old_end;
        (*area)->end = end;
        (*area)->prot = kProtRead | kProtWrite;
        (*area)->name = "[heap]";
        if (op->lock_future) (*area)->flags |= kAreaLocked;
        op.insert(**area);
    }
    op->break_end = now;
    return wanted;
}

// ---- faults
// ----------------------------------------------------------------------------------------------------------

namespace {

/// Extends the stack `area` down to `page` when its limit and its guard gap allow it.
Result<void> grow_stack(Operation& op, Area& area, u64 page) {
    if (!area.has(kAreaGrowsDown) || area.end - page > op->limits.stack) return fail(Errno::kEFAULT);
    if (page < kLowestMapping) return fail(Errno::kEFAULT);
    Area* below = op->areas.previous(area);
    // A stack mapped right below is its continuation, not something to be guarded from.
    u64 guard = below && below->has(kAreaGrowsDown) ? 0 : kStackGuard;
    if (below && below->prot != kProtNone && page < below->end + guard) return fail(Errno::kEFAULT);
    if (below && page < below->end) return fail(Errno::kEFAULT);
    TRY(check_limits(*op, area.start - page, false));
    op.resize(area, page, area.end);
    return {};
}

}  // namespace

FaultOutcome AddressSpace::handle_fault(const FaultInfo& fault) {
    u64 page = align_down(fault.address, kPageSize);
    if (page >= arch::kUserEnd) return FaultOutcome::NotMapped;
    Operation op(*this, *map_);
    Area* area = op->areas.at_or_after(page);
    if (!area) return FaultOutcome::NotMapped;
    if (area->start > page && !grow_stack(op, *area, page)) return FaultOutcome::NotMapped;
    // x86 has no write-only or execute-only pages: any access at all makes a page readable.
    bool allowed = fault.write     ? area->prot & kProtWrite
                   : fault.execute ? area->prot & kProtExec
                                   : area->prot != kProtNone;
    return allowed ? op.fault_in(*area, page, fault.write) : FaultOutcome::Denied;
}

void AddressSpace::activate(u32 cpu) {
    map_->cpus.fetch_or(u64{1} << cpu, std::memory_order_seq_cst);
    map_->space.unlocked().table.activate();
}

void AddressSpace::deactivate(u32 cpu) { map_->cpus.fetch_and(~(u64{1} << cpu), std::memory_order_seq_cst); }

}  // namespace astra::mm
