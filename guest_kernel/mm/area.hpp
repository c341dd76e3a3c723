// Areas of an address space and the tree that keeps them in order. Private to mm.
#pragma once
#include <string_view>

#include "guest_kernel/base/list.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/mm/page_source.hpp"

namespace astra::mm {

enum AreaFlags : u32 {
    kAreaShared = 1,
    kAreaGrowsDown = 2,
    kAreaNoReserve = 4,
    kAreaDontFork = 8,
    kAreaWipeOnFork = 16,
    kAreaHuge = 32,     // MADV_HUGEPAGE
    kAreaNoHuge = 64,   // MADV_NOHUGEPAGE, stacks, reservations
    kAreaCopied = 128,  // a private file area that may hold pages of its own
    kAreaLocked = 256   // mlock(2)
};

/// Free space kept below an area that grows down (Linux's stack_guard_gap).
inline constexpr u64 kStackGuard = 256 * kPageSize;

/// A run of pages with one protection and one origin; [start, end) of the program half, page-aligned.
struct Area {
    u64 start = 0, end = 0;
    u32 prot = 0, max_prot = 7;
    u32 flags = 0;
    Ref<PageSource> source;  // null: anonymous
    u64 offset = 0;          // bytes into the source at `start`
    Ref<RefCounted> keep;
    std::string_view name;

    Mapping mapping;  // on the source's list

    [[nodiscard]] bool has(AreaFlags flag) const { return flags & flag; }
    [[nodiscard]] bool is_private_anonymous() const { return !source && !has(kAreaShared); }
    /// Page of the source behind `address`.
    [[nodiscard]] u64 page_index(u64 address) const { return (offset + (address - start)) >> kPageShift; }
    /// Where the space nobody else may use begins.
    [[nodiscard]] u64 guarded_start() const {
        return has(kAreaGrowsDown) ? start - (start < kStackGuard ? start : kStackGuard) : start;
    }
    /// True when `next`, which begins where this one ends, could be one area with it.
    [[nodiscard]] bool continues_in(const Area& next) const;
    /// Everything but the place: what both halves of a split have in common.
    void copy_traits(const Area& from);
    /// The part of the source that begins at `address` (anonymous: 0).
    [[nodiscard]] u64 offset_at(u64 address) const { return source ? offset + (address - start) : 0; }

    ListNode node;  // in order of address

  private:
    friend class AreaTree;
    Area *left_ = nullptr, *right_ = nullptr;
    u32 priority_ = 0;
    u64 first_ = 0, last_ = 0;  // of this subtree: guarded start of the first area, end of the last
    u64 max_gap_ = 0;           // of this subtree: the widest free space between two of its areas
};

using AreaList = List<Area, &Area::node>;

/// Areas by address: a treap that also knows the free space between them. Does not own.
class AreaTree {
  public:
    [[nodiscard]] bool empty() const { return root_ == nullptr; }
    [[nodiscard]] u32 size() const { return size_; }
    [[nodiscard]] Area* first() const { return list_.front(); }
    [[nodiscard]] Area* next(Area& area) const { return list_.next(area); }
    [[nodiscard]] Area* previous(Area& area) const;
    /// The first area that ends after `address`: the one that contains it, or the next one up.
    [[nodiscard]] Area* at_or_after(u64 address) const;
    /// The area that contains `address`, or nullptr.
    [[nodiscard]] Area* find(u64 address) const;
    /// The first area that overlaps [start, end), or nullptr.
    [[nodiscard]] Area* overlapping(u64 start, u64 end) const;

    /// Adds an area that overlaps none.
    void insert(Area& area);
    void erase(Area& area);
    /// Moves an area's ends within the free space around it.
    void resize(Area& area, u64 start, u64 end);

    /// The highest (lowest) `align`ed start of `length` free bytes within [low, high). ENOMEM when there is
    /// none.
    [[nodiscard]] Result<u64> gap_below(u64 length, u64 align, u64 low, u64 high) const;
    [[nodiscard]] Result<u64> gap_above(u64 length, u64 align, u64 low, u64 high) const;

  private:
    static void update(Area& area);
    static void split(Area* tree, u64 address, Area*& below, Area*& above);
    static Area* merge(Area* below, Area* above);
    static void refresh(Area& tree, u64 address);
    struct Search;
    Area* root_ = nullptr;
    AreaList list_;
    u32 size_ = 0;
    u32 seed_ = 0x9e3779b9;
};

}  // namespace astra::mm
