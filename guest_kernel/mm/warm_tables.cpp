// The parking place of warm page tables.
#include "guest_kernel/mm/warm_tables.hpp"

#include <atomic>

#include "guest_kernel/mm/frames.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::mm {

namespace {

constexpr u32 kMost = 32;
constexpr u32 kLeafEntries = kHugePageSize / kPageSize;

struct Parked {
    WarmName name;
    PhysAddr table;
    WarmStats size;
};

struct Parking {
    Parked parked[kMost];  // oldest first
    u32 count = 0;
};

constinit sched::SpinLocked<Parking, sched::Rank::WarmTables> parking;
constinit std::atomic<bool> used{false};
constinit std::atomic<u64> tables_held{0}, pages_held{0};

/// Calls `each(entry)` for every page that is mapped.
template <class Each>
void visit(WarmKind kind, PhysAddr table, Each&& each) {
    if (kind == WarmKind::Leaf) {
        for (u32 i = 0; i < kLeafEntries; i++)
            if (arch::PageEntry e = arch::PageTable::leaf_entry(table, i); !e.frame.is_null()) each(e);
        return;
    }
    arch::PageTable tree = arch::PageTable::adopt(table);
    const UserAddr end(arch::kUserEnd);
    UserAddr at;
    for (arch::PageEntry e; !(e = tree.next_mapped(at, end)).frame.is_null(); at += kPageSize) each(e);
    (void)tree.leak();
}

WarmStats size_of(WarmKind kind, PhysAddr table) {
    WarmStats size{1, 0};
    if (kind != WarmKind::Leaf) {
        arch::PageTable tree = arch::PageTable::adopt(table);
        size.tables = tree.table_frames();
        (void)tree.leak();
    }
    visit(kind, table, [&size](const arch::PageEntry& e) { size.pages += frame_refs(e.frame) != ~0u; });
    return size;
}

Parked leave(Parking& p, u32 index) {
    Parked gone = p.parked[index];
    p.count--;
    for (u32 i = index; i < p.count; i++) p.parked[i] = p.parked[i + 1];
    tables_held.fetch_sub(gone.size.tables, std::memory_order_relaxed);
    pages_held.fetch_sub(gone.size.pages, std::memory_order_relaxed);
    return gone;
}

}  // namespace

void use_warm_tables(bool on) { used.store(on, std::memory_order_relaxed); }
bool warm_tables_used() { return used.load(std::memory_order_relaxed); }

bool is_plentiful() {
    FrameStats stats = frame_stats();
    return stats.free >= stats.total / 4;
}

void park_tables(WarmName name, PhysAddr table) {
    Parked fresh{name, table, size_of(name.kind, table)}, oldest;
    {
        auto p = parking.lock();
        if (p->count == kMost) oldest = leave(*p, 0);
        p->parked[p->count++] = fresh;
        tables_held.fetch_add(fresh.size.tables, std::memory_order_relaxed);
        pages_held.fetch_add(fresh.size.pages, std::memory_order_relaxed);
    }
    if (!oldest.table.is_null()) free_tables(oldest.name.kind, oldest.table);
}

PhysAddr take_parked(WarmName name) {
    if (tables_held.load(std::memory_order_relaxed) == 0) return {};
    auto p = parking.lock();
    for (u32 i = p->count; i-- > 0;)
        if (p->parked[i].name == name) return leave(*p, i).table;
    return {};
}

void free_tables(WarmKind kind, PhysAddr table) {
    visit(kind, table, [](const arch::PageEntry& e) { unref_frame(e.frame); });
    if (kind == WarmKind::Leaf)
        free_page_table_frame(table);
    else
        (void)arch::PageTable::adopt(table);  // its end frees them
}

u64 trim_warm_tables() {
    u64 freed = 0;
    for (;;) {
        Parked gone;
        {
            auto p = parking.lock();
            if (p->count == 0) return freed;
            gone = leave(*p, 0);
        }
        free_tables(gone.name.kind, gone.table);
        freed += gone.size.tables + gone.size.pages;
    }
}

WarmStats warm_stats() { return {tables_held.load(), pages_held.load()}; }

}  // namespace astra::mm
