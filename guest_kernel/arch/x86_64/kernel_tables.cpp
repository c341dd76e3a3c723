// The kernel half of every address space: built once at boot, extended for devices and kernel stacks.
#include "guest_kernel/abi/machine.hpp"
#include "guest_kernel/arch/x86_64/boot.hpp"
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::arch {

namespace {

alignas(kPageSize) Pte root_table[kTableEntries];
/// Where tables come from until mm has frames; null afterwards.
RangeSet* boot_frames;

Result<PhysAddr> new_table() {
    if (!boot_frames) return mm::alloc_page_table_frame();
    PhysAddr frame = boot_frames->take(kPageSize, kPageSize, PhysAddr(ASTRA_BOOT_MAP_SIZE));
    if (frame.is_null()) return fail(Errno::kENOMEM);
    __builtin_memset(phys_to_virt(frame), 0, kPageSize);
    return frame;
}

/// The entry for `virt` in the table of `level`. EEXIST when a large page above it already maps the address.
Result<Pte*> entry_at(u64 virt, u32 level) {
    Pte* table = root_table;
    for (u32 at = 3; at > level; at--) {
        Pte& entry = table[table_index(virt, at)];
        if (!(entry & kPtePresent)) entry = TRY(new_table()).raw() | kPteKernelTable;
        if (entry & kPteHuge) return fail(Errno::kEEXIST);
        table = table_at(entry);
    }
    return &table[table_index(virt, level)];
}

Result<void> map_direct(PhysAddr base, u64 size, Pte bits) {
    u64 start = align_down(base.raw(), kHugePageSize), end = align_up(base.raw() + size, kHugePageSize);
    return map_kernel_range(ASTRA_DIRECT_MAP + start, PhysAddr(start), end - start, bits);
}

/// The image's two parts, each from a 2 MiB boundary (kernel.ld).
Result<void> map_image(const char* start, const char* end, Pte bits) {
    u64 virt = reinterpret_cast<u64>(start);
    return map_kernel_range(virt, virt_to_phys(start),
                            align_up(reinterpret_cast<u64>(end) - virt, kHugePageSize), bits);
}

Result<void> map_all(const BootData& boot) {
    namespace machine = abi::machine;
    constexpr u64 kDevices = machine::kVirtioBase & ~(kHugePageSize - 1), kDevicesEnd = 0xff00'0000;
    TRY(map_image(kernel_text_start, kernel_text_end, kPteKernel));
    TRY(map_image(kernel_data_start, kernel_data_end, kPteKernelData));
    for (const BootInfo::Range& ram : boot.ram.ranges()) TRY(map_direct(ram.base, ram.size, kPteKernelData));
    if (boot.module.size) TRY(map_direct(boot.module.base, boot.module.size, kPteKernel | kPteNoExecute));
    if (PhysAddr shared = bridge_table(); !shared.is_null())
        *TRY(entry_at(ASTRA_BRIDGES_LOW, 1)) = shared.raw() | kPteKernelTable;
    TRY(map_direct(PhysAddr(machine::kCountersBase), kHugePageSize, kPteKernelData));
    return map_direct(PhysAddr(kDevices), kDevicesEnd - kDevices, kPteKernelData | kPteCacheDisable);
}

}  // namespace

Result<void> map_kernel_range(u64 virt, PhysAddr phys, u64 size, Pte bits) {
    for (u64 done = 0; done < size;) {
        u64 at = virt + done, frame = phys.raw() + done;
        bool huge = is_aligned(at | frame, kHugePageSize) && size - done >= kHugePageSize;
        u64 step = huge ? kHugePageSize : kPageSize;
        Result<Pte*> entry = entry_at(at, huge ? 1 : 0);
        if (entry && !(**entry & kPtePresent)) **entry = frame | bits | (huge ? kPteHuge : 0);
        if (!entry && entry.error() != Errno::kEEXIST) return fail(entry.error());
        done += step;
    }
    return {};
}

Result<Pte*> kernel_page_entry(u64 virt) { return entry_at(virt, 0); }

void share_kernel_half(Pte* root) {
    for (usize i = kFirstKernelSlot; i < kTableEntries; i++) root[i] = root_table[i];
}

PhysAddr kernel_root() { return virt_to_phys(root_table); }

void build_kernel_tables(const BootData& boot, RangeSet& free) {
    boot_frames = &free;
    // Every address space copies the root's upper half when it is made, so its slots must all be there by
    // now.
    if (!map_all(boot) || !entry_at(ASTRA_STACK_AREA, 0)) boot_failure("no memory for page tables");
    boot_frames = nullptr;
    privileged::load_root(kernel_root());
}

void* phys_to_virt(PhysAddr address) { return reinterpret_cast<void*>(ASTRA_DIRECT_MAP + address.raw()); }

PhysAddr virt_to_phys(const void* address) {
    u64 virt = reinterpret_cast<u64>(address);
    return PhysAddr(virt >= ASTRA_KERNEL_OFFSET ? virt - ASTRA_KERNEL_OFFSET : virt - ASTRA_DIRECT_MAP);
}

Result<void*> map_device(PhysAddr base, u64 size) {
    u64 start = base.page().raw(), end = align_up(base.raw() + size, kPageSize);
    if (end <= start || end > ASTRA_DIRECT_MAP_SIZE) return fail(Errno::kEINVAL);
    TRY(map_kernel_range(ASTRA_DIRECT_MAP + start, PhysAddr(start), end - start,
                         kPteKernelData | kPteCacheDisable));
    return phys_to_virt(base);
}

void PageTable::activate() const { privileged::load_root(root_); }

void activate_kernel_tables() { privileged::load_root(kernel_root()); }

}  // namespace astra::arch
