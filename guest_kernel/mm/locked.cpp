// Locked memory: mlock(2) and mlockall(2). Nothing is swapped here, so locking counts, and brings pages in.
#include <algorithm>

#include "guest_kernel/mm/space.hpp"
#include "guest_kernel/mm/user_copy.hpp"

namespace astra::mm {

namespace {

u64 locked_bytes(const Space& space, u64 start, u64 end) {
    u64 bytes = 0;
    for (Area* a = space.areas.at_or_after(start); a && a->start < end; a = space.areas.next(*a))
        if (a->has(kAreaLocked)) bytes += std::min(end, a->end) - std::max(start, a->start);
    return bytes;
}

/// Brings in what programs may touch of [start, end), as if they wrote where they can write to pages of their
/// own.
Result<void> bring_in(AddressSpace& space, AreaMap& map, u64 start, u64 end) {
    while (start < end) {
        u64 part_end;
        bool write;
        {
            Operation op(space, map);
            Area* area = op->areas.at_or_after(start);
            if (!area || area->start >= end) return {};
            start = std::max(start, area->start);
            part_end = std::min(end, area->end);
            write = area->prot & kProtWrite && !area->has(kAreaShared);
        }
        // Whatever is wrong with the pages, mlock(2) calls it ENOMEM.
        if (!space.populate(UserAddr(start), part_end - start, write)) return fail(Errno::kENOMEM);
        start = part_end;
    }
    return {};
}

struct Range {
    u64 start, end;
};
/// The pages [at, at + length) touches; as on Linux none for a length that wraps when it is rounded up.
/// Errors: EINVAL, ENOMEM.
Result<Range> pages_of(UserAddr at, u64 length) {
    u64 start = at.page().raw(), size = align_up(length + at.page_offset(), kPageSize);
    if (start + size < start) return fail(Errno::kEINVAL);
    if (!is_user_range(UserAddr(start), size)) return fail(Errno::kENOMEM);
    return Range{start, start + size};
}

}  // namespace

Result<void> AddressSpace::lock(UserAddr at, u64 length, bool now, u64 most) {
    Range range = TRY(pages_of(at, length));
    {
        Operation op(*this, *map_);
        u64 already = locked_bytes(*op, 0, arch::kUserEnd),
            of_these = locked_bytes(*op, range.start, range.end);
        if (already - of_these + (range.end - range.start) > most) return fail(Errno::kENOMEM);
        TRY(for_each_part(op, range.start, range.end, [&](Area& area, u64 from, u64 to) {
            return op.change_flags(area, from, to, {kAreaLocked, 0});
        }));
    }
    return now ? bring_in(*this, *map_, range.start, range.end) : Result<void>{};
}

Result<void> AddressSpace::unlock(UserAddr at, u64 length) {
    Range range = TRY(pages_of(at, length));
    Operation op(*this, *map_);
    return for_each_part(op, range.start, range.end, [&](Area& area, u64 from, u64 to) {
        return op.change_flags(area, from, to, {0, kAreaLocked});
    });
}

Result<void> AddressSpace::lock_all(bool current, bool future, bool now, u64 most) {
    {
        Operation op(*this, *map_);
        if (current && op->mapped_pages << kPageShift > most) return fail(Errno::kENOMEM);
        op->lock_future = future;
        if (current || !future)
            for (Area* area = op->areas.first(); area; area = op->areas.next(*area)) {
                area->flags = current ? area->flags | kAreaLocked : area->flags & ~u32{kAreaLocked};
                area = &op.join(*area);
            }
    }
    if (current && now)
        (void)bring_in(*this, *map_, 0, arch::kUserEnd);  // as Linux: what cannot be had is not missed
    return {};
}

Result<void> AddressSpace::check_lock_room(u64 length, bool wanted, u64 most) {
    Operation op(*this, *map_);
    if (!wanted && !op->lock_future) return {};
    if (locked_bytes(*op, 0, arch::kUserEnd) + length > most) return fail(Errno::kEAGAIN);
    return {};
}

}  // namespace astra::mm
