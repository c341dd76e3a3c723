// Loads a PVH kernel, an ELF64 executable, into guest memory.
#pragma once
#include <span>

#include "vmm/base/error.hpp"
#include "vmm/memory/guest_memory.hpp"

namespace astra::vmm {

struct LoadedKernel {
    u32 entry;      // physical address of the 32-bit entry point
    PhysAddr low;   // of the lowest segment
    PhysAddr high;  // end of the highest, its zeroed part included
};

/// Kernels lie at or above this address; the VMM's boot structures and the low pages of the PC lie below.
inline constexpr PhysAddr kLowestKernel{0x10'0000};

/// Copies the PT_LOAD segments of `file` to their physical addresses. `memory` must still be all zeros: what
/// a segment has beyond its file bytes is not touched. The file is not trusted: every offset, size and
/// address is checked, and on an error (Corrupt, with the reason) nothing may be said about memory's
/// contents. Sources: System V gABI, chapters 4 and 5; abi/pvh.hpp for the entry point's note.
[[nodiscard]] Result<LoadedKernel> load_kernel(std::span<const u8> file, const GuestMemory& memory);

}  // namespace astra::vmm
