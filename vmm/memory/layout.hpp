// Where things lie in guest-physical memory, decided before anything is mapped
// (guest_kernel/abi/machine.hpp).
#pragma once
#include <vector>

#include "vmm/base/error.hpp"

namespace astra::vmm {

struct Range {
    PhysAddr base;
    u64 size = 0;  // bytes; 0: not there
    [[nodiscard]] PhysAddr end() const { return base + size; }
};

struct MemoryLayout {
    std::vector<Range>
        ram;      // ascending: below abi::machine::kLowRamLimit, then, if there is more, above 4 GiB
    Range image;  // whole pages
    Range counters;
};

/// RAM smaller than this cannot hold a kernel.
inline constexpr u64 kMinRam = 8 << 20;
/// The counters slot is one huge page wide.
inline constexpr u64 kMaxCounters = kHugePageSize;
/// Guest-physical addresses end here: what every x86-64 host's KVM can map.
inline constexpr u64 kPhysicalLimit = u64{1} << 36;

/// Lays out `ram` bytes of RAM (whole pages, at least kMinRam), an image of `image` bytes and `counters`
/// bytes of counters (whole pages, at most kMaxCounters); the last two may be 0. InvalidArgument
/// when something has not its place.
[[nodiscard]] Result<MemoryLayout> lay_out(u64 ram, u64 image, u64 counters);

}  // namespace astra::vmm
