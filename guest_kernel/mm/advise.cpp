// madvise(2), msync(2) and mincore(2): what programs say and ask about pages they have mapped.
#include <algorithm>

#include "guest_kernel/mm/map_flags.hpp"
#include "guest_kernel/mm/space.hpp"
#include "guest_kernel/mm/user_copy.hpp"

namespace astra::mm {

namespace {

/// Advice that is remembered as flags of the area.
Result<FlagChange> flag_change(int advice, const Area& area) {
    switch (advice) {
        case kAdviseDontFork: return FlagChange{kAreaDontFork, 0};
        case kAdviseDoFork: return FlagChange{0, kAreaDontFork};
        case kAdviseHugePage: return FlagChange{kAreaHuge, kAreaNoHuge};
        case kAdviseNoHugePage: return FlagChange{kAreaNoHuge, kAreaHuge};
        case kAdviseWipeOnFork:
            if (!area.is_private_anonymous()) return fail(Errno::kEINVAL);
            return FlagChange{kAreaWipeOnFork, 0};
        case kAdviseKeepOnFork: return FlagChange{0, kAreaWipeOnFork};
        // Nothing is swapped, read ahead, merged or dumped here: the advice is heard and changes nothing.
        case kAdviseNormal:
        case kAdviseRandom:
        case kAdviseSequential:
        case kAdviseWillNeed:
        case kAdviseMergeable:
        case kAdviseUnmergeable:
        case kAdviseDontDump:
        case kAdviseDoDump:
        case kAdviseCold:
        case kAdvisePageOut: return FlagChange{0, 0};
        default: return fail(Errno::kEINVAL);
    }
}

/// Advice that locked pages contradict.
bool gives_up_pages(int advice) {
    return advice == kAdviseDontNeed || advice == kAdviseFree || advice == kAdviseCold ||
           advice == kAdvisePageOut;
}

/// MADV_REMOVE: a hole in what is mapped shared, area by area, each with the address space unlocked: other
/// spaces may map the same pages.
Result<void> remove_pages(AddressSpace& space, AreaMap& map, u64 start, u64 end) {
    while (start < end) {
        Ref<PageSource> source;
        u64 first, count;
        {
            Operation op(space, map);
            Area* area = op->areas.find(start);
            if (!area) return fail(Errno::kENOMEM);
            if (area->is_private_anonymous()) return fail(Errno::kEINVAL);
            if (!area->has(kAreaShared) || !(area->prot & kProtWrite)) return fail(Errno::kEACCES);
            source = area->source;
            first = area->page_index(start);
            count = (std::min(end, area->end) - start) >> kPageShift;
        }
        TRY(source->discard(first, count));
        source->unmap_pages(first, count, true);
        start += count << kPageShift;
    }
    return {};
}

}  // namespace

Result<void> AddressSpace::advise(UserAddr at, u64 length, int advice) {
    length = align_up(length, kPageSize);
    if (!is_aligned(at.raw(), kPageSize) || !is_user_range(at, length)) return fail(Errno::kEINVAL);
    if (length == 0) return {};
    if (advice == kAdvisePopulateRead || advice == kAdvisePopulateWrite)
        return populate(at, length, advice == kAdvisePopulateWrite);
    if (advice == kAdviseRemove) return remove_pages(*this, *map_, at.raw(), at.raw() + length);
    Operation op(*this, *map_);
    return for_each_part(op, at.raw(), at.raw() + length, [&](Area& area, u64 from, u64 to) -> Result<void> {
        if (area.has(kAreaLocked) && gives_up_pages(advice)) return fail(Errno::kEINVAL);
        if (advice == kAdviseDontNeed || advice == kAdviseDontNeedLocked) return op.zap(from, to);
        if (advice == kAdviseFree) {
            if (!area.is_private_anonymous()) return fail(Errno::kEINVAL);
            return op.zap(from, to);
        }
        return op.change_flags(area, from, to, TRY(flag_change(advice, area)));
    });
}

Result<void> AddressSpace::sync(UserAddr at, u64 length, int flags) {
    length = align_up(length, kPageSize);
    bool unknown = flags & ~(kSyncAsync | kSyncInvalidate | kSyncSync);
    bool both = flags & kSyncAsync && flags & kSyncSync;
    if (unknown || both || !is_aligned(at.raw(), kPageSize)) return fail(Errno::kEINVAL);
    if (!is_user_range(at, length)) return fail(Errno::kENOMEM);
    // Mappings and files share their pages, and files live in memory: they agree already.
    Operation op(*this, *map_);
    return for_each_part(op, at.raw(), at.raw() + length, [&](Area& area, u64, u64) -> Result<void> {
        if (flags & kSyncInvalidate && area.has(kAreaLocked)) return fail(Errno::kEBUSY);
        return {};
    });
}

Result<void> AddressSpace::resident(UserAddr at, u64 length, Vector<u8>& pages) {
    length = align_up(length, kPageSize);
    if (!is_aligned(at.raw(), kPageSize)) return fail(Errno::kEINVAL);
    if (!is_user_range(at, length)) return fail(Errno::kENOMEM);
    TRY(pages.reserve(length >> kPageShift));
    Operation op(*this, *map_);
    return for_each_part(op, at.raw(), at.raw() + length, [&](Area& area, u64 from, u64 to) -> Result<void> {
        if (from != at.raw() + (pages.size() << kPageShift)) return fail(Errno::kENOMEM);
        for (u64 page = from; page < to; page += kPageSize) {
            bool there = is_mapped(op->table.lookup(UserAddr(page)));
            if (!there && area.source)
                there = static_cast<bool>(area.source->page_if_resident(area.page_index(page)));
            TRY(pages.push_back(there));
        }
        return {};
    });
}

}  // namespace astra::mm
