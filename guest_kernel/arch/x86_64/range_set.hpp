// Set of physical page ranges: sorted, disjoint, page-aligned; small and fixed, for use before there is a
// heap.
#pragma once
#include <span>

#include "guest_kernel/arch/upcalls.hpp"

namespace astra::arch {

class RangeSet {
  public:
    /// Adds the whole pages inside [base, base + size). False when the set is full.
    bool add(PhysAddr base, u64 size);
    /// Takes out every page that [base, base + size) touches. False when the set is full (a split needs
    /// room).
    bool remove(PhysAddr base, u64 size);
    /// Takes `size` bytes aligned to `align` from the lowest range below `limit`; null when there are none.
    PhysAddr take(u64 size, u64 align, PhysAddr limit);
    [[nodiscard]] std::span<const BootInfo::Range> ranges() const { return {ranges_, count_}; }

  private:
    bool insert(usize at, BootInfo::Range range);
    void erase(usize at);

    static constexpr usize kMax = 64;
    BootInfo::Range ranges_[kMax] = {};
    usize count_ = 0;
};

}  // namespace astra::arch
