// Starting a kernel the PVH way: the structures it is handed and the state its first CPU is in (abi/pvh.hpp).
#pragma once
#include <optional>
#include <string_view>

#include "vmm/kvm/vcpu.hpp"
#include "vmm/memory/guest_memory.hpp"
#include "vmm/memory/layout.hpp"

namespace astra::vmm {

/// The boot structures fill part of [kBootInfo, kBootInfoEnd), in RAM, where no kernel is loaded; free for
/// the guest as soon as it has read them.
inline constexpr PhysAddr kBootInfo{0x9'0000};
inline constexpr PhysAddr kBootInfoEnd{0x9'f000};
/// What a kernel is promised to read of its command line, final NUL included.
inline constexpr usize kMaxCommandLine = 4096;

/// Writes the start info, the memory map of `layout`, the command line and, if `layout` has an image, module
/// 0 of `image_bytes` bytes. Returns the start info's address. InvalidArgument when the command line is too
/// long or holds a NUL.
[[nodiscard]] Result<PhysAddr> write_start_info(const GuestMemory& memory, const MemoryLayout& layout,
                                                u64 image_bytes, std::string_view command_line);

/// Turns a vCPU's reset state into the one PVH prescribes: 32-bit protected mode, no paging, flat segments,
/// interrupts off, EBX = start info, EIP = entry.
[[nodiscard]] CpuState pvh_entry_state(CpuState reset, u32 entry, PhysAddr start_info);

}  // namespace astra::vmm
