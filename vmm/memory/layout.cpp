// lay_out: the arithmetic behind abi/machine.hpp's map.
#include "vmm/memory/layout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "guest_kernel/abi/machine.hpp"

namespace astra::vmm {

namespace machine = abi::machine;

Result<MemoryLayout> lay_out(u64 ram, u64 image, u64 counters) {
    if (ram < kMinRam || !is_aligned(ram, kPageSize))
        return fail(
            Code::InvalidArgument,
            fmt::format("{} bytes of memory: must be whole pages, at least {} MiB", ram, kMinRam >> 20));
    if (ram > kPhysicalLimit || image > kPhysicalLimit)
        return fail(Code::InvalidArgument,
                    fmt::format("memory or image larger than {} GiB", kPhysicalLimit >> 30));
    if (!is_aligned(counters, kPageSize) || counters > kMaxCounters)
        return fail(Code::InvalidArgument, fmt::format("{} bytes of counters do not fit", counters));

    MemoryLayout layout;
    u64 low = std::min(ram, machine::kLowRamLimit);
    layout.ram.push_back({PhysAddr(0), low});
    PhysAddr top(machine::kHighRamBase);
    if (ram > low) {
        layout.ram.push_back({top, ram - low});
        top = layout.ram.back().end();
    }
    if (image > 0) {
        layout.image.size = align_up(image, kPageSize);
        bool fits_below = image <= machine::kImageMax;
        // A huge page boundary, so that the guest can map the image with large pages wherever it lies.
        layout.image.base = PhysAddr(fits_below ? machine::kImageBase : align_up(top.raw(), kHugePageSize));
        top = std::max(top, layout.image.end());
    }
    if (counters > 0) layout.counters = {PhysAddr(machine::kCountersBase), counters};
    if (top.raw() > kPhysicalLimit)
        return fail(Code::InvalidArgument,
                    fmt::format("memory and image together reach beyond {} GiB", kPhysicalLimit >> 30));
    return layout;
}

}  // namespace astra::vmm
