// The page-table format (Intel SDM vol. 3, 4.5: 4-level paging) and the kernel half every address space
// shares.
#pragma once
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/pvh.hpp"

namespace astra::arch {

using Pte = u64;
inline constexpr Pte kPtePresent = 1 << 0;
inline constexpr Pte kPteWrite = 1 << 1;
inline constexpr Pte kPteUser = 1 << 2;
inline constexpr Pte kPteCacheDisable = 1 << 4;
inline constexpr Pte kPteAccessed = 1 << 5;
inline constexpr Pte kPteDirty = 1 << 6;
inline constexpr Pte kPteHuge = 1 << 7;
inline constexpr Pte kPteGlobal = 1 << 8;
/// Ignored by the CPU: the entry is not present, but keeps its frame (PROT_NONE).
inline constexpr Pte kPteNoAccess = 1 << 9;
/// Ignored by the CPU: the table below the entry is not this address space's own.
inline constexpr Pte kPteShared = 1 << 10;
inline constexpr Pte kPteMapped = kPtePresent | kPteNoAccess;
inline constexpr Pte kPteNoExecute = u64{1} << 63;
inline constexpr Pte kPteFrame = 0x000f'ffff'ffff'f000;

inline constexpr usize kTableEntries = 512;
/// Root entries below this one belong to the program, the others to the kernel.
inline constexpr usize kFirstKernelSlot = 256;
/// Tree levels: 3 = PML4, 2 = PDPT, 1 = page directory, 0 = page table.
constexpr usize table_index(u64 address, u32 level) { return address >> (kPageShift + 9 * level) & 511; }
inline Pte* table_at(Pte entry) { return static_cast<Pte*>(phys_to_virt(PhysAddr(entry & kPteFrame))); }

/// Every mapping of the kernel has these bits; the flat build's kernel runs at CPL3.
#if ASTRA_BUILD_FLAT
inline constexpr Pte kPteKernel = kPtePresent | kPteGlobal | kPteAccessed | kPteUser;
inline constexpr Pte kPteKernelTable = kPtePresent | kPteWrite | kPteUser;
#else
inline constexpr Pte kPteKernel = kPtePresent | kPteGlobal | kPteAccessed;
inline constexpr Pte kPteKernelTable = kPtePresent | kPteWrite;
#endif
inline constexpr Pte kPteKernelData = kPteKernel | kPteWrite | kPteDirty | kPteNoExecute;

/// The present entry that maps `address`: level 0, or 1 for a 2 MiB page. Null when nothing does.
struct FoundEntry {
    Pte* entry = nullptr;
    u32 level = 0;
};
FoundEntry find_entry(PhysAddr root, u64 address);
/// Enters the kernel half into a new root table.
void share_kernel_half(Pte* root);

/// A leaf table that all address spaces have at kUserEnd, and the kernel at ASTRA_BRIDGES_LOW. Null: none.
PhysAddr bridge_table();

/// Builds the final kernel half and loads it: the image, the direct map of all RAM, of the module and of the
/// machine's device windows. Takes its tables from `free`, which must lie in the boot map.
void build_kernel_tables(const BootData& boot, RangeSet& free);
/// Root of the kernel's own tables: upper half complete, lower half empty.
PhysAddr kernel_root();

/// Maps [phys, phys + size) at `virt` (both 4 KiB aligned) with `bits`, by 2 MiB pages where alignment
/// allows. Pages already mapped stay as they are. ENOMEM when a table cannot be had.
Result<void> map_kernel_range(u64 virt, PhysAddr phys, u64 size, Pte bits);
/// The entry that maps the 4 KiB kernel page at `virt`, its tables made when missing.
Result<Pte*> kernel_page_entry(u64 virt);

}  // namespace astra::arch
