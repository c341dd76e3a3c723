// Checks of memory, and the frame source arch code asks for.
#include "guest_kernel/drivers/command_line.hpp"
#include "guest_kernel/mm/frames.hpp"
#include "tests/guest/arch/selftest.hpp"

namespace astra::selftest {

namespace {

void boot_info_is_sane() {
    u64 total = 0;
    PhysAddr last;
    for (const BootInfo::Range& range : boot_info().ram) {
        require(range.size > 0 && is_aligned(range.base.raw() | range.size, kPageSize), "ranges are pages");
        require(range.base >= PhysAddr(0x10'0000) && range.base >= last, "ranges are sorted, above 1 MiB");
        last = range.base + range.size;
        total += range.size;
    }
    require(total > (16 << 20), "most RAM is there");
    require(command_line_value("selftest").has_value(), "the command line arrives");
    require(boot_info().image.size > 0, "module 0 arrives");
}

void direct_map_reaches_everything() {
    for (const BootInfo::Range& range : boot_info().ram) {
        for (PhysAddr at : {range.base, range.base + range.size - sizeof(u64)}) {
            auto* word = static_cast<volatile u64*>(arch::phys_to_virt(at));
            *word = at.raw() ^ 0x5a5a;
            require(*word == (at.raw() ^ 0x5a5a), "RAM keeps what is written");
            require(arch::virt_to_phys(const_cast<u64*>(word)) == at, "virt_to_phys inverts phys_to_virt");
        }
    }
    const auto* image = static_cast<const volatile u8*>(arch::phys_to_virt(boot_info().image.base));
    u8 sum = 0;
    for (u64 i = 0; i < boot_info().image.size; i++) sum += image[i];
    require(sum != 0, "the image can be read");
}

constexpr Check kChecks[] = {
    {"boot information", boot_info_is_sane},
    {"direct map", direct_map_reaches_everything},
};

/// Frames for page tables: handed out from the last RAM range, freed ones kept in a chain through their first
/// word.
PhysAddr first_free, next_frame;

}  // namespace

std::span<const Check> memory_checks() { return kChecks; }

}  // namespace astra::selftest

namespace astra::mm {

Result<PhysAddr> alloc_page_table_frame() {
    using namespace selftest;
    if (next_frame.is_null()) next_frame = boot_info().ram.back().base + boot_info().ram.back().size;
    PhysAddr frame = first_free;
    if (frame.is_null()) {
        next_frame = frame = next_frame - kPageSize;
    } else {
        first_free = *static_cast<PhysAddr*>(arch::phys_to_virt(frame));
    }
    __builtin_memset(arch::phys_to_virt(frame), 0, kPageSize);
    return frame;
}

void free_page_table_frame(PhysAddr frame) {
    *static_cast<PhysAddr*>(arch::phys_to_virt(frame)) = selftest::first_free;
    selftest::first_free = frame;
}

}  // namespace astra::mm
