// The table of the bridges' pages.
#include "guest_kernel/arch/x86_64/flat/bridge_memory.hpp"

#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/drivers/command_line.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::arch {

namespace {

static_assert(kUserEnd == ASTRA_BRIDGES_HIGH);
static_assert(kBridgesEnd == kTableEntries * kPageSize);

alignas(kPageSize) Pte table[kTableEntries];
u8* pages[kTableEntries];

}  // namespace

PhysAddr bridge_table() {
    static const bool wanted = command_line_value("astra.direct_calls") != "off";
    return wanted ? virt_to_phys(table) : PhysAddr();
}

Result<i32> rip_distance(u64 end, u64 target) {
    i64 distance = static_cast<i64>(target - end);
    if (distance != static_cast<i32>(distance)) return fail(Errno::kERANGE);
    return static_cast<i32>(distance);
}

const u8* bridge_bytes(u64 offset) {
    const u8* page = __atomic_load_n(&pages[offset / kPageSize], __ATOMIC_ACQUIRE);
    return page ? page + offset % kPageSize : nullptr;
}

Result<u8*> make_bridge_bytes(u64 offset) {
    u8*& page = pages[offset / kPageSize];
    if (!page) {
        PhysAddr frame = TRY(mm::alloc_page_table_frame());
        auto* bytes = static_cast<u8*>(phys_to_virt(frame));
        __builtin_memset(bytes, kUnusedBridgeByte, kPageSize);
        table[offset / kPageSize] = frame.raw() | (kPteKernel & ~kPteGlobal);
        __atomic_store_n(&page, bytes, __ATOMIC_RELEASE);
    }
    return page + offset % kPageSize;
}

}  // namespace astra::arch
