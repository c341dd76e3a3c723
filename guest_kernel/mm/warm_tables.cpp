// The parking place of warm page tables.
#include "guest_kernel/mm/warm_tables.hpp"

#include <atomic>

#include "guest_kernel/mm/frames.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::mm {

namespace {

constexpr u32 kMostLeaves = 64;
constexpr u32 kLeafEntries = kHugePageSize / kPageSize;

struct Parked {
    u64 slot = 0;
    PhysAddr leaf;
    u64 pages = 0;
};

struct Parking {
    Parked leaves[kMostLeaves];  // oldest first
    u32 count = 0;

    void remove(u32 index) {
        count--;
        for (u32 i = index; i < count; i++) leaves[i] = leaves[i + 1];
    }
};

constinit sched::SpinLocked<Parking, sched::Rank::WarmTables> parking;
constinit std::atomic<bool> used{false};
constinit std::atomic<u64> parked_tables{0}, parked_pages{0};

u64 pages_of(PhysAddr leaf) {
    u64 pages = 0;
    for (u32 i = 0; i < kLeafEntries; i++) {
        PhysAddr frame = arch::PageTable::leaf_entry(leaf, i).frame;
        if (!frame.is_null() && frame_refs(frame) != ~0u) pages++;
    }
    return pages;
}

Parked leave(Parking& p, u32 index) {
    Parked gone = p.leaves[index];
    p.remove(index);
    parked_tables.fetch_sub(1, std::memory_order_relaxed);
    parked_pages.fetch_sub(gone.pages, std::memory_order_relaxed);
    return gone;
}

}  // namespace

void use_warm_tables(bool on) { used.store(on, std::memory_order_relaxed); }
bool warm_tables_used() { return used.load(std::memory_order_relaxed); }

void park_leaf(u64 slot, PhysAddr leaf) {
    Parked fresh{slot, leaf, pages_of(leaf)};
    PhysAddr oldest;
    {
        auto p = parking.lock();
        if (p->count == kMostLeaves) oldest = leave(*p, 0).leaf;
        p->leaves[p->count++] = fresh;
        parked_tables.fetch_add(1, std::memory_order_relaxed);
        parked_pages.fetch_add(fresh.pages, std::memory_order_relaxed);
    }
    if (!oldest.is_null()) free_leaf(oldest);
}

PhysAddr take_parked_leaf(u64 slot) {
    if (parked_tables.load(std::memory_order_relaxed) == 0) return {};
    auto p = parking.lock();
    for (u32 i = p->count; i-- > 0;)
        if (p->leaves[i].slot == slot) return leave(*p, i).leaf;
    return {};
}

void free_leaf(PhysAddr leaf) {
    for (u32 i = 0; i < kLeafEntries; i++) {
        PhysAddr frame = arch::PageTable::leaf_entry(leaf, i).frame;
        if (!frame.is_null()) unref_frame(frame);
    }
    free_page_table_frame(leaf);
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
        free_leaf(gone.leaf);
        freed += gone.pages + 1;
    }
}

WarmStats warm_stats() { return {parked_tables.load(), parked_pages.load()}; }

}  // namespace astra::mm
