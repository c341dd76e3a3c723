// Operations on an address space: areas in and out of the tree, pages in and out of the tables, TLBs in
// between.
#include "guest_kernel/mm/space.hpp"

#include <algorithm>

#include "guest_kernel/mm/frame_table.hpp"
#include "guest_kernel/mm/warm_tables.hpp"

namespace astra::mm {

using arch::PageEntry;
using arch::PageFlags;

namespace {

constexpr u64 kSmallestStackRoom = 128 << 20, kLargestStackRoom = arch::kUserEnd / 6 * 5;

void register_mapping(AddressSpace& space, Area& area) {
    if (!area.source) return;
    area.mapping.space = &space;
    area.mapping.area = &area;
    area.source->mappings.lock()->push_back(area.mapping);
}

void unregister_mapping(Area& area) {
    if (!area.source) return;
    auto list = area.source->mappings.lock();
    list->remove(area.mapping);
}

}  // namespace

u64 Space::placement_top() const {
    u64 room = limits.stack > kLargestStackRoom ? kLargestStackRoom : limits.stack + kStackGuard;
    return align_down(arch::kUserEnd - std::clamp(room, kSmallestStackRoom, kLargestStackRoom), kPageSize);
}

void Space::add_resident(i64 pages) {
    resident_pages += static_cast<u64>(pages);
    resident_peak = std::max(resident_peak, resident_pages);
}

// Accessed and Dirty are set in advance: the CPU need not write them then.
PageFlags leaf_flags(const Area& area, bool writable) {
    if (area.prot == kProtNone) return PageFlags::None;
    PageFlags flags = PageFlags::Present | PageFlags::User | PageFlags::Accessed;
    if (area.prot & kProtExec) flags = flags | PageFlags::Execute;
    if (writable && area.prot & kProtWrite) flags = flags | PageFlags::Write | PageFlags::Dirty;
    return flags;
}

i64 resident_pages(const PageEntry& entry) {
    return entry.frame == zero_frame() ? 0 : static_cast<i64>(size_of(entry) >> kPageShift);
}

bool is_sole_owner(const PageEntry& entry) {
    if (!arch::has(entry.flags, PageFlags::Huge)) return frame_refs(entry.frame) == 1;
    PhysAddr first(align_down(entry.frame.raw(), kHugePageSize));
    for (u64 at = 0; at < kHugePageSize; at += kPageSize)
        if (frame_refs(first + at) != 1) return false;
    return true;
}

Operation::Operation(AddressSpace& space, AreaMap& map, bool second)
    : owner_(space), map_(map), guard_(map.space, second) {}

Operation::~Operation() {
    flush();
    guard_.unlock();
    while (Area* area = dead_areas_.pop_front()) delete area;
}

Result<Area*> Operation::make_area() {
    if (guard_->areas.size() >= kMaxAreas) return fail(Errno::kENOMEM);
    return TRY(make_own<Area>()).leak();
}

Area& Operation::insert(Area& area) {
    Area *before = guard_->areas.previous(area), *after = guard_->areas.at_or_after(area.start);
    if (before && before->continues_in(area)) {
        dead_areas_.push_back(area);
        resize(*before, before->start, area.end);
        return join(*before);
    }
    if (after && area.continues_in(*after)) {
        dead_areas_.push_back(area);
        resize(*after, area.start, after->end);
        return *after;
    }
    guard_->areas.insert(area);
    guard_->mapped_pages += (area.end - area.start) >> kPageShift;
    register_mapping(owner_, area);
    return area;
}

void Operation::erase(Area& area) {
    guard_->areas.erase(area);
    guard_->mapped_pages -= (area.end - area.start) >> kPageShift;
    unregister_mapping(area);
    dead_areas_.push_back(area);
}

void Operation::resize(Area& area, u64 start, u64 end) {
    if (area.source) area.offset += start - area.start;
    guard_->mapped_pages += ((end - start) >> kPageShift) - ((area.end - area.start) >> kPageShift);
    guard_->areas.resize(area, start, end);
}

Area& Operation::join(Area& area) {
    Area* kept = &area;
    if (Area* before = guard_->areas.previous(area); before && before->continues_in(area)) {
        u64 end = area.end;
        erase(area);
        resize(*before, before->start, end);
        kept = before;
    }
    if (Area* after = guard_->areas.next(*kept); after && kept->continues_in(*after)) {
        u64 end = after->end;
        erase(*after);
        resize(*kept, kept->start, end);
    }
    return *kept;
}

Result<void> Operation::change_flags(Area& area, u64 from, u64 to, FlagChange change) {
    if (((area.flags | change.set) & ~change.clear) == area.flags) return {};
    TRY(cut(from));
    TRY(cut(to));
    Area* part = (*guard_).areas.find(from);
    part->flags = (part->flags | change.set) & ~change.clear;
    (void)join(*part);
    return {};
}

Result<void> Operation::cut(u64 address) {
    Area* area = guard_->areas.find(address);
    if (!area || area->start == address) return {};
    TRY(guard_->table.split(UserAddr(address)));  // no 2 MiB page spans areas
    Area* upper = TRY(make_area());
    upper->copy_traits(*area);
    upper->start = address;
    upper->end = area->end;
    upper->offset = area->offset_at(address);
    resize(*area, area->start, address);
    guard_->areas.insert(*upper);
    guard_->mapped_pages += (upper->end - upper->start) >> kPageShift;
    register_mapping(owner_, *upper);
    return {};
}

Result<void> Operation::unmap(u64 start, u64 end) {
    if (!guard_->areas.overlapping(start, end)) return {};
    if (Area* last = guard_->areas.find(end); last && last->start < start) TRY(cut(end));
    park(start, end);
    TRY(zap(start, end));
    while (Area* area = guard_->areas.overlapping(start, end)) {
        if (area->start < start)
            resize(*area, area->start, start);
        else if (area->end > end)
            resize(*area, end, area->end);
        else
            erase(*area);
    }
    return {};
}

Result<void> Operation::zap(u64 start, u64 end) {
    arch::PageTable& table = guard_->table;
    if (!is_aligned(start, kHugePageSize)) TRY(table.split(UserAddr(start)));
    if (!is_aligned(end, kHugePageSize)) TRY(table.split(UserAddr(end)));
    UserAddr at(start);
    for (PageEntry entry; is_mapped(entry = table.next_mapped(at, UserAddr(end))); at += size_of(entry)) {
        table.unmap(at);
        retire(at.raw(), entry);
    }
    return {};
}

void Operation::retire(u64 page, const PageEntry& entry) {
    // Entries without access were never in a TLB, but their frames may not be given up before older ones.
    tightened(page, page + size_of(entry));
    guard_->add_resident(-resident_pages(entry));
    const u32 first = frame_number(entry.frame), count = static_cast<u32>(size_of(entry) >> kPageShift);
    for (u32 number = first; number < first + count; number++) {
        Frame* f = find_frame(number);
        if (!f || f->state == FrameState::Reserved) continue;
        if (__atomic_load_n(&f->refs, __ATOMIC_ACQUIRE) == 1) {
            f->next = exclusive_;
            exclusive_ = number;
        } else {
            if (shared_count_ == kSharedMax) flush();
            shared_[shared_count_++] = frame_address(number).raw();
        }
    }
}

void Operation::tightened(u64 start, u64 end) {
    flush_start_ = std::min(flush_start_, start);
    flush_end_ = std::max(flush_end_, end);
}

void Operation::flush() {
    if (flush_start_ < flush_end_) {
        // Pairs with activate(): a CPU that entered the mask too late to be seen here sees the new entries.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        u64 cpus = map_.cpus.load(std::memory_order_seq_cst);
        if (cpus) arch::flush_tlb(cpus, UserAddr(flush_start_), UserAddr(flush_end_));
        flush_start_ = ~u64{0};
        flush_end_ = 0;
    }
    free_frame_chain(exclusive_);
    exclusive_ = 0;
    while (shared_count_) unref_frame(PhysAddr(shared_[--shared_count_]));
    while (leaf_count_) {
        const Leaf& leaf = leaves_[--leaf_count_];
        park_tables({WarmKind::Leaf, leaf.slot}, leaf.table);
    }
}

}  // namespace astra::mm
