// mremap(2): mappings that grow, shrink and move with their pages.
#include <algorithm>

#include "guest_kernel/mm/map_flags.hpp"
#include "guest_kernel/mm/space.hpp"
#include "guest_kernel/mm/user_copy.hpp"

namespace astra::mm {

using arch::PageEntry;
using arch::PageFlags;

namespace {

/// Moves the pages of [from, from + length) to `to`, where nothing is mapped. ENOMEM: some are moved, some
/// not.
Result<void> move_pages(Operation& op, u64 from, u64 to, u64 length) {
    arch::PageTable& table = op->table;
    const UserAddr end(from + length);
    bool keeps_huge = is_aligned(from ^ to, kHugePageSize);
    TRY(table.split(UserAddr(from)));
    TRY(table.split(end));
    UserAddr at(from);
    for (PageEntry entry; is_mapped(entry = table.next_mapped(at, end)); at += size_of(entry)) {
        if (arch::has(entry.flags, PageFlags::Huge) && !keeps_huge) {
            TRY(table.split(at));
            entry = table.lookup(at);
        }
        UserAddr target(to + (at.raw() - from));
        if (arch::has(entry.flags, PageFlags::Huge))
            TRY(table.map_huge(target, entry.frame, entry.flags));
        else
            TRY(table.map(target, entry.frame, entry.flags));
        table.unmap(at);
        op.tightened(at.raw(), at.raw() + size_of(entry));
    }
    return {};
}

struct Move {
    u64 from, old_length, new_length;
    u32 flags;
    u64 target;  // MREMAP_FIXED
};

/// Where the mapping goes; clears a fixed target.
Result<u64> destination(Operation& op, const Move& m) {
    if (!(m.flags & kRemapFixed)) return find_place(*op, 0, m.new_length, 0, false);
    TRY(op.unmap(m.target, m.target + m.new_length));
    return m.target;
}

Result<UserAddr> move_mapping(Operation& op, const Move& m) {
    u64 to = TRY(destination(op, m));
    Area* old = op->areas.find(m.from);
    if (!old) return fail(Errno::kEFAULT);
    Area* fresh = TRY(op.make_area());
    fresh->copy_traits(*old);
    fresh->start = to;
    fresh->end = to + m.new_length;
    fresh->offset = old->offset_at(m.from);
    op.insert(*fresh);
    // An old length of zero asks for a second mapping of the same shared pages.
    if (m.old_length == 0) return UserAddr(to);
    u64 kept = std::min(m.old_length, m.new_length);
    op.restore_rewritten(m.from, m.from + kept);
    Result<void> moved = move_pages(op, m.from, to, kept);
    if (!moved) {
        (void)move_pages(op, to, m.from, kept);  // the tables they came from are still there
        (void)op.unmap(to, to + m.new_length);
        return fail(moved.error());
    }
    if (m.flags & kRemapDontUnmap) return UserAddr(to);
    TRY(op.unmap(m.from, m.from + m.old_length));
    return UserAddr(to);
}

}  // namespace

Result<UserAddr> AddressSpace::remap(UserAddr from, u64 old_length, u64 new_length, u32 flags,
                                     UserAddr target) {
    constexpr u32 kKnown = kRemapMayMove | kRemapFixed | kRemapDontUnmap;
    if (flags & ~kKnown || !is_aligned(from.raw(), kPageSize)) return fail(Errno::kEINVAL);
    if (flags & (kRemapFixed | kRemapDontUnmap) && !(flags & kRemapMayMove)) return fail(Errno::kEINVAL);
    old_length = align_up(old_length, kPageSize);
    new_length = align_up(new_length, kPageSize);
    if (new_length == 0 || (flags & kRemapDontUnmap && old_length != new_length)) return fail(Errno::kEINVAL);
    if (!is_user_range(from, old_length)) return fail(Errno::kEFAULT);
    u64 start = from.raw();
    if (flags & kRemapFixed) {
        u64 to = target.raw();
        if (!is_aligned(to, kPageSize) || !is_user_range(target, new_length)) return fail(Errno::kEINVAL);
        if (to < start + old_length && start < to + new_length) return fail(Errno::kEINVAL);
        if (to < kLowestMapping) return fail(Errno::kEPERM);
    }
    Operation op(*this, *map_);
    Area* area = op->areas.find(start);
    if (!area) return fail(Errno::kEFAULT);
    if (old_length == 0 && !(area->has(kAreaShared) && flags & kRemapMayMove)) return fail(Errno::kEINVAL);
    if (flags & kRemapDontUnmap && !area->is_private_anonymous()) return fail(Errno::kEINVAL);
    bool elsewhere = flags & (kRemapFixed | kRemapDontUnmap);
    if (!elsewhere && old_length >= new_length && old_length != 0) {
        TRY(op.unmap(start + new_length, start + old_length));
        return from;
    }
    if (start + old_length > area->end) return fail(Errno::kEFAULT);
    if (new_length > old_length) {
        bool data = area->prot & kProtWrite && !area->has(kAreaShared);
        TRY(check_limits(*op, new_length - old_length, data));
        u64 end = start + new_length;
        bool room = old_length != 0 && !elsewhere && start + old_length == area->end &&
                    end <= arch::kUserEnd && op->areas.gap_above(end - area->end, kPageSize, area->end, end);
        if (room) {
            op.resize(*area, area->start, end);
            op.join(*area);
            return from;
        }
    }
    if (!(flags & kRemapMayMove)) return fail(Errno::kENOMEM);
    return move_mapping(op, {start, old_length, new_length, flags, target.raw()});
}

}  // namespace astra::mm
