// RangeSet: sorted, disjoint page ranges.
#include "guest_kernel/arch/x86_64/range_set.hpp"

namespace astra::arch {

namespace {

struct Bounds {
    u64 start, end;
};

Bounds bounds(const BootInfo::Range& range) { return {range.base.raw(), range.base.raw() + range.size}; }
BootInfo::Range range_of(Bounds b) { return {PhysAddr(b.start), b.end - b.start}; }
/// [base, base + size), cut at the top of the address space.
Bounds clipped(PhysAddr base, u64 size) {
    u64 room = ~u64{0} - kPageSize - base.raw();
    return {base.raw(), base.raw() + (size < room ? size : room)};
}

}  // namespace

bool RangeSet::insert(usize at, BootInfo::Range range) {
    if (count_ == kMax) return false;
    for (usize i = count_++; i > at; i--) ranges_[i] = ranges_[i - 1];
    ranges_[at] = range;
    return true;
}

void RangeSet::erase(usize at) {
    count_--;
    for (usize i = at; i < count_; i++) ranges_[i] = ranges_[i + 1];
}

bool RangeSet::add(PhysAddr base, u64 size) {
    if (base.raw() > ~u64{0} - kPageSize) return true;
    Bounds fresh = clipped(base, size);
    fresh = {align_up(fresh.start, kPageSize), align_down(fresh.end, kPageSize)};
    if (fresh.start >= fresh.end) return true;
    usize at = 0;
    while (at < count_ && bounds(ranges_[at]).end < fresh.start) at++;
    while (at < count_ && ranges_[at].base.raw() <= fresh.end) {  // overlapping or touching: becomes one
        Bounds old = bounds(ranges_[at]);
        fresh = {old.start < fresh.start ? old.start : fresh.start,
                 old.end > fresh.end ? old.end : fresh.end};
        erase(at);
    }
    return insert(at, range_of(fresh));
}

bool RangeSet::remove(PhysAddr base, u64 size) {
    if (size == 0 || base.raw() > ~u64{0} - kPageSize) return true;
    Bounds hole = clipped(base, size);
    hole = {align_down(hole.start, kPageSize), align_up(hole.end, kPageSize)};
    for (usize i = 0; i < count_;) {
        Bounds old = bounds(ranges_[i]);
        if (old.end <= hole.start || old.start >= hole.end) {
            i++;
            continue;
        }
        erase(i);
        if (old.start < hole.start) insert(i++, range_of({old.start, hole.start}));
        if (old.end > hole.end && !insert(i++, range_of({hole.end, old.end}))) return false;
    }
    return true;
}

PhysAddr RangeSet::take(u64 size, u64 align, PhysAddr limit) {
    for (const BootInfo::Range& range : ranges()) {
        Bounds b = bounds(range);
        u64 start = align_up(b.start, align);
        if (start < b.start || start + size > b.end || start + size > limit.raw()) continue;
        if (!remove(PhysAddr(start), size)) return PhysAddr();
        return PhysAddr(start);
    }
    return PhysAddr();
}

}  // namespace astra::arch
