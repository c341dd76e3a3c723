// Inside an address space: what its mutex guards, and one operation on it from lock to TLB flush. Private to
// mm.
#pragma once
#include <algorithm>

#include "guest_kernel/mm/address_space.hpp"
#include "guest_kernel/mm/area.hpp"
#include "guest_kernel/mm/warm_tables.hpp"

namespace astra::mm {

/// Lowest address a program may map (Linux's mmap_min_addr).
inline constexpr u64 kLowestMapping = 0x1'0000;
/// Linux's vm.max_map_count.
inline constexpr u32 kMaxAreas = 65530;

/// What the mutex guards.
struct Space {
    AreaTree areas;
    arch::PageTable table;
    u64 break_start = 0, break_end = 0;  // the heap; break_end as brk(2) set it, not rounded
    u64 mapped_pages = 0, resident_pages = 0, resident_peak = 0;
    AddressSpace::Limits limits;
    bool lock_future = false;  // mlockall(MCL_FUTURE): new areas are locked

    /// Where top-down placement begins: below the room the stack may take.
    [[nodiscard]] u64 placement_top() const;
    void add_resident(i64 pages);
};

struct AreaMap {
    sched::MutexLocked<Space, sched::Rank::AddressSpace> space;
    std::atomic<u64> cpus{0};  // CPUs that have the tables loaded
    WarmName warmth;           // under which the tables are parked at the end; key 0: not at all
};

/// Access for a private area of `area`'s protection.
arch::PageFlags leaf_flags(const Area& area, bool writable);
inline bool is_mapped(const arch::PageEntry& entry) { return !entry.frame.is_null(); }
/// Bytes the entry maps.
inline u64 size_of(const arch::PageEntry& entry) {
    return arch::has(entry.flags, arch::PageFlags::Huge) ? kHugePageSize : kPageSize;
}
/// What the entry adds to the resident set: pages, none for the zero page.
i64 resident_pages(const arch::PageEntry& entry);

/// A place for `length` bytes: at `hint` when that is free, else below the stack's room, else wherever there
/// is any. `flags`: MAP_*; `huge`: prefer 2 MiB alignment. ENOMEM.
Result<u64> find_place(const Space& space, u64 hint, u64 length, u32 flags, bool huge);
/// ENOMEM when `length` more bytes (of private writable memory: `data`) would exceed the process's limits.
Result<void> check_limits(const Space& space, u64 length, bool data);
/// A page of the image: never freed, never changed.
bool is_outside_ram(PhysAddr frame);
/// The entry may stay in tables that are parked: a page of the image, or one that nothing else refers to.
bool may_stay(const Area& area, const arch::PageEntry& entry);
/// True when nothing but this entry refers to the frame or frames it maps.
bool is_sole_owner(const arch::PageEntry& entry);

struct FlagChange {
    u32 set, clear;  // AreaFlags
};

/// One operation on an address space. Holds the mutex; at its end flushes what was removed or tightened from
/// the TLBs, only then gives up the frames, unlocks, and last of all destroys areas (whose files may take
/// locks of lower rank).
class Operation {
  public:
    explicit Operation(AddressSpace& space, AreaMap& map, bool second = false);
    ~Operation();
    Space* operator->() { return &*guard_; }
    Space& operator*() { return *guard_; }

    // Areas.
    /// Creates an area; it is not in the tree yet. ENOMEM also at the limit on areas.
    Result<Area*> make_area();
    /// Puts a filled-in area into the tree, or grows a neighbour that continues it instead. Answers the area
    /// it is now part of.
    Area& insert(Area& area);
    /// Cuts so that an area boundary lies at `address`. ENOMEM.
    Result<void> cut(u64 address);
    /// Joins `area` with the neighbour on each side where they continue each other.
    Area& join(Area& area);
    /// Changes an area's ends within free space.
    void resize(Area& area, u64 start, u64 end);
    /// Changes flags of the part [from, to) of `area`, which is cut and joined as need be. ENOMEM.
    Result<void> change_flags(Area& area, u64 from, u64 to, FlagChange change);
    /// Removes an area without its pages.
    void erase(Area& area);
    /// Removes areas and pages of [start, end). ENOMEM when an area would have to be cut and cannot.
    Result<void> unmap(u64 start, u64 end);

    // Pages.
    /// Removes the pages of [start, end). A 2 MiB page that sticks out is split, or, when even that cannot be
    /// had, left (ENOMEM).
    Result<void> zap(u64 start, u64 end);
    /// Gives up the page that was mapped at `page`, once no TLB holds it.
    void retire(u64 page, const arch::PageEntry& entry);
    /// [start, end) has become stricter and must leave the TLBs.
    void tightened(u64 start, u64 end);
    /// Replaces `old` at `at`, within a page of the private file area `area`, by `now` in a copy of the page.
    /// False when the page is not there or not the file's, or differs. (rewrite.cpp)
    bool rewrite(Area& area, u64 at, std::span<const u8> old, std::span<const u8> now);
    /// Takes away the copies rewrite() made in [start, end): the next access finds the file's own pages.
    void restore_rewritten(u64 start, u64 end);
    /// Brings in the page of `area` at `page` for a read or a write. (fault.cpp)
    FaultOutcome fault_in(Area& area, u64 page, bool write);
    /// Takes the leaf tables that serve [start, end) and nothing else out with their pages, to be parked.
    /// What may not stay in them is left for zap(). (warm_leaves.cpp)
    void park(u64 start, u64 end);
    /// Links a leaf table parked for the slot of `page`, with what is right in it. False: the page is not
    /// there.
    bool adopt_leaf(u64 page);
    /// Parks the tables of a space that has ended, with what may stay in them. False: unmap them.
    /// (warm_trees.cpp)
    bool park_tree();
    /// Replaces the tables by a tree parked under `name`. Its pages have the contents they have in
    /// `contents`, the process that forks or this space's tables until now, or are as a fault would bring
    /// them in.
    void adopt_tree(WarmName name, arch::PageTable& contents);

  private:
    void flush();
    FaultOutcome fault_anonymous(Area& area, u64 page, bool write);
    FaultOutcome fault_source(Area& area, u64 page, bool write);
    bool map_huge(Area& area, u64 page);
    FaultOutcome copy_on_write(Area& area, u64 page, const arch::PageEntry& entry);
    FaultOutcome install(u64 page, FrameRef frame, arch::PageFlags flags);
    FaultOutcome install_copy(Area& area, u64 page, PhysAddr from);
    void map_around(Area& area, u64 page);
    void fill_around(Area& area, u64 page);
    bool serves_alone(u64 slot, u64 start, u64 end);
    bool renews(Area& area, u64 page, const arch::PageEntry& entry, const arch::PageEntry& contents,
                bool small);
    bool merge(arch::PageTable& tree, arch::PageTable& old);

    AddressSpace& owner_;
    AreaMap& map_;
    sched::MutexLocked<Space, sched::Rank::AddressSpace>::Guard guard_;
    AreaList dead_areas_;
    u64 flush_start_ = ~u64{0}, flush_end_ = 0;
    u32 exclusive_ = 0;  // frames nobody else refers to, linked through the frame table
    static constexpr usize kSharedMax = 64;
    u64 shared_[kSharedMax];  // frames with other owners, whose reference goes after the flush
    usize shared_count_ = 0;
    struct Leaf {
        u64 slot;
        PhysAddr table;
    };
    static constexpr usize kLeavesMax = 8;
    Leaf leaves_[kLeavesMax];  // taken out, to be parked after the flush
    usize leaf_count_ = 0;
};

/// Calls `each(area, from, to)` for the mapped parts of [start, end). ENOMEM at the end when some of it was
/// not mapped.
template <class Each>
Result<void> for_each_part(Operation& op, u64 start, u64 end, Each&& each) {
    bool holes = false;
    while (start < end) {
        Area* area = op->areas.at_or_after(start);
        if (!area || area->start >= end) return fail(Errno::kENOMEM);
        if (area->start > start) holes = true;
        u64 from = std::max(start, area->start), to = std::min(end, area->end);
        TRY(each(*area, from, to));
        start = to;
    }
    if (holes) return fail(Errno::kENOMEM);
    return {};
}

}  // namespace astra::mm
