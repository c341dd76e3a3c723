// Reaching into an address space from outside: populate, peek and poke, and what /proc shows of it.
#include <algorithm>

#include "guest_kernel/mm/space.hpp"
#include "guest_kernel/mm/user_copy.hpp"

namespace astra::mm {

Result<void> AddressSpace::populate(UserAddr at, u64 length, bool write) {
    if (!is_user_range(at, length)) return fail(Errno::kENOMEM);
    u64 end = align_up(at.raw() + length, kPageSize);
    for (u64 page = at.page().raw(); page < end; page += kPageSize) {
        // One lock per page: faults of other threads are served in between.
        switch (handle_fault(
            {.address = page, .write = write, .execute = false, .present = false, .from_user = false})) {
            case FaultOutcome::Resolved: break;
            case FaultOutcome::NotMapped: return fail(Errno::kENOMEM);
            case FaultOutcome::Denied:
            case FaultOutcome::BeyondEnd: return fail(Errno::kEFAULT);
            case FaultOutcome::OutOfMemory: return fail(Errno::kENOMEM);
        }
    }
    return {};
}

namespace {

/// Copies page by page through the direct map, with each page brought in and held by the mutex meanwhile. The
/// protection does not matter to a debugger, who writes to code: private areas get a copy, shared ones must
/// be writable.
template <class Copy>
Result<usize> access(AddressSpace& space, AreaMap& map, u64 at, usize length, bool write, Reach reach,
                     Copy&& copy) {
    u32 needed = reach == Reach::Debugger ? u32{kProtNone} : write ? kProtWrite : kProtRead;
    usize done = 0;
    while (done < length && at + done < arch::kUserEnd) {
        u64 address = at + done, page = align_down(address, kPageSize);
        usize part = std::min(length - done, kPageSize - (address - page));
        Operation op(space, map);
        Area* area = op->areas.find(address);
        if (!area || (area->prot & needed) != needed) break;
        if (write && area->has(kAreaShared) && !(area->prot & kProtWrite)) break;
        if (write) op.restore_rewritten(page, page + kPageSize);
        if (op.fault_in(*area, page, write) != FaultOutcome::Resolved) break;
        auto* bytes = static_cast<u8*>(arch::phys_to_virt(op->table.lookup(UserAddr(page)).frame));
        copy(bytes + (address - page), done, part);
        done += part;
    }
    if (done == 0 && length != 0) return fail(Errno::kEFAULT);
    return done;
}

}  // namespace

Result<usize> AddressSpace::peek(UserAddr from, std::span<u8> to, Reach reach) {
    return access(*this, *map_, from.raw(), to.size(), false, reach,
                  [to](u8* page, usize at, usize n) { __builtin_memcpy(to.data() + at, page, n); });
}

Result<usize> AddressSpace::poke(UserAddr to, std::span<const u8> from, Reach reach) {
    return access(*this, *map_, to.raw(), from.size(), true, reach,
                  [from](u8* page, usize at, usize n) { __builtin_memcpy(page, from.data() + at, n); });
}

Result<void> AddressSpace::list(Vector<AreaInfo>& areas) {
    Operation op(*this, *map_);
    TRY(areas.reserve(areas.size() + op->areas.size()));
    for (Area* a = op->areas.first(); a; a = op->areas.next(*a)) {
        AreaInfo info{.start = UserAddr(a->start),
                      .end = UserAddr(a->end),
                      .prot = a->prot,
                      .shared = a->has(kAreaShared),
                      .offset = a->offset,
                      .source = a->source,
                      .keep = a->keep,
                      .name = a->name,
                      .resident_pages = 0};
        UserAddr at(a->start);
        for (arch::PageEntry entry; is_mapped(entry = op->table.next_mapped(at, UserAddr(a->end)));
             at += size_of(entry))
            info.resident_pages += static_cast<u64>(resident_pages(entry));
        TRY(areas.push_back(std::move(info)));
    }
    return {};
}

AddressSpace::Usage AddressSpace::usage() {
    Operation op(*this, *map_);
    Usage u{.mapped_bytes = op->mapped_pages << kPageShift,
            .resident_bytes = op->resident_pages << kPageShift,
            .resident_peak_bytes = op->resident_peak << kPageShift,
            .data_bytes = 0,
            .stack_bytes = 0,
            .text_bytes = 0,
            .shared_bytes = 0,
            .locked_bytes = 0};
    for (Area* a = op->areas.first(); a; a = op->areas.next(*a)) {
        u64 bytes = a->end - a->start;
        if (a->has(kAreaLocked)) u.locked_bytes += bytes;
        if (a->has(kAreaGrowsDown))
            u.stack_bytes += bytes;
        else if (a->has(kAreaShared))
            u.shared_bytes += bytes;
        else if (a->prot & kProtWrite)
            u.data_bytes += bytes;
        else if (a->prot & kProtExec)
            u.text_bytes += bytes;
    }
    return u;
}

Result<AddressSpace::FutexOrigin> AddressSpace::futex_origin(UserAddr address) {
    Operation op(*this, *map_);
    Area* area = op->areas.find(address.raw());
    if (!area) return fail(Errno::kEFAULT);
    if (!area->has(kAreaShared)) return FutexOrigin{nullptr, address.raw()};
    return FutexOrigin{area->source.get(), area->offset_at(address.raw())};
}

bool PageSource::mapped_for_writing() {
    auto list = mappings.lock();
    for (Mapping& m : *list)
        if (m.area->has(kAreaShared) && (m.area->max_prot & kProtWrite)) return true;
    return false;
}

void PageSource::unmap_pages(u64 first, u64 count, bool shared_only) {
    u64 visited = 0;  // spaces are visited in order of their address, each with the list unlocked
    for (;;) {
        Ref<AddressSpace> space;
        {
            auto list = mappings.lock();
            AddressSpace* next = nullptr;
            for (Mapping& m : *list) {
                u64 at = reinterpret_cast<u64>(m.space);
                if (at > visited && (!next || at < reinterpret_cast<u64>(next))) next = m.space;
            }
            if (!next) return;
            visited = reinterpret_cast<u64>(next);
            if (next->try_ref()) space = Ref<AddressSpace>::adopt(next);
        }
        if (space) space->unmap_source(*this, first, count, shared_only);
    }
}

void AddressSpace::unmap_source(const PageSource& source, u64 first, u64 count, bool shared_only) {
    Operation op(*this, *map_);
    for (Area* a = op->areas.first(); a; a = op->areas.next(*a)) {
        if (a->source.get() != &source || (shared_only && !a->has(kAreaShared))) continue;
        u64 start_index = a->offset >> kPageShift, pages = (a->end - a->start) >> kPageShift;
        u64 from = std::max(first, start_index);
        u64 to = std::min(count > ~u64{0} - first ? ~u64{0} : first + count, start_index + pages);
        if (from >= to) continue;
        // Source pages are never mapped 2 MiB at a time: nothing has to be split, so this cannot fail.
        (void)op.zap(a->start + ((from - start_index) << kPageShift),
                     a->start + ((to - start_index) << kPageShift));
    }
}

}  // namespace astra::mm
