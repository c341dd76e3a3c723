// Code of programs that the kernel rewrites (the upcall rewrite_program_code): a page with new bytes takes
// the place of the file's own, and gives it back before the program may change or move it.
#include <algorithm>

#include "guest_kernel/mm/frame_table.hpp"
#include "guest_kernel/mm/space.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::mm {

using arch::PageEntry;

namespace {

bool is_rewritten(const PageEntry& entry) {
    const Frame* frame = find_frame(frame_number(entry.frame));
    return frame && frame->rewritten;
}

/// The file's own page, or one that was made from it here.
bool is_original(const Area& area, u64 page, const PageEntry& entry) {
    if (is_rewritten(entry)) return true;
    Result<FrameRef> origin = area.source->page(area.page_index(page), false);
    return origin && origin->frame() == entry.frame;
}

}  // namespace

bool Operation::rewrite(Area& area, u64 at, std::span<const u8> old, std::span<const u8> now) {
    u64 page = align_down(at, kPageSize);
    PageEntry entry = guard_->table.lookup(UserAddr(page));
    if (!is_mapped(entry) || arch::has(entry.flags, arch::PageFlags::Huge)) return false;
    if (!is_original(area, page, entry)) return false;
    const auto* before = static_cast<const u8*>(arch::phys_to_virt(entry.frame));
    if (!std::equal(old.begin(), old.end(), before + (at - page))) return false;
    Result<PhysAddr> frame = alloc_frame(Zero::No);
    if (!frame) return false;
    auto* bytes = static_cast<u8*>(arch::phys_to_virt(*frame));
    __builtin_memcpy(bytes, before, kPageSize);
    std::copy(now.begin(), now.end(), bytes + (at - page));
    find_frame(frame_number(*frame))->rewritten = 1;
    area.flags |= kAreaCopied;
    if (install(page, FrameRef::adopt(*frame), leaf_flags(area, false)) != FaultOutcome::Resolved)
        return false;
    // Other CPUs run the old page until they have forgotten it, at the end of this operation.
    retire(page, entry);
    return true;
}

void Operation::restore_rewritten(u64 start, u64 end) {
    arch::PageTable& table = guard_->table;
    for (UserAddr at(start);; at = at + kPageSize) {
        PageEntry entry = table.next_mapped(at, UserAddr(end));
        if (!is_mapped(entry)) return;
        if (is_rewritten(entry)) retire(at.raw(), table.unmap(at));
    }
}

bool AddressSpace::rewrite_code(UserAddr at, std::span<const u8> old, std::span<const u8> now) {
    if (at.page() != (at + (old.size() - 1)).page()) return false;
    Operation op(*this, *map_);
    Area* area = op->areas.find(at.raw());
    if (!area || !area->source || area->has(kAreaShared) || area->prot != (kProtRead | kProtExec))
        return false;
    return op.rewrite(*area, at.raw(), old, now);
}

}  // namespace astra::mm

namespace astra {

bool rewrite_program_code(UserAddr at, std::span<const u8> old, std::span<const u8> now) {
    return sched::current().process().space().rewrite_code(at, old, now);
}

}  // namespace astra
