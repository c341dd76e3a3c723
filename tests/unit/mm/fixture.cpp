// The fixtures of the memory tests.
#include "tests/unit/mm/fixture.hpp"

#include <cstdio>

#include "guest_kernel/mm/heap.hpp"
#include "guest_kernel/mm/warm_tables.hpp"

namespace astra {

bool handle_page_fault(const FaultInfo& fault, arch::UserRegisters*) {
    SpaceTest::faults++;
    if (!SpaceTest::running) return false;
    SpaceTest::last = SpaceTest::running->handle_fault(fault);
    return SpaceTest::last == mm::FaultOutcome::Resolved;
}

MemoryTest::MemoryTest() {
    memset(arch::phys_to_virt(arch::host::kRam.base), 0xa5, kRamBytes);
    mm::init_frames({&arch::host::kRam, 1});
    arch::interrupts_enable();
}

MemoryTest::~MemoryTest() {
    EXPECT_EQ(mm::heap_stats().objects_in_use, 0u);
    mm::heap_trim();
}

SpaceTest::SpaceTest() {
    free_before_ = mm::frame_stats().free;
    space = *mm::AddressSpace::create();
    faults = 0;
    run(*space);
}

SpaceTest::~SpaceTest() {
    running = nullptr;
    arch::activate_kernel_tables();
    space->deactivate(0);
    EXPECT_EQ(space->ref_count(), 1u);
    space = {};
    EXPECT_EQ(mm::frame_stats().free, free_before_) << "frames leaked";
    EXPECT_EQ(mm::frame_stats().page_tables, 0u);
    mm::trim_warm_tables();
    EXPECT_EQ(mm::warm_stats().tables, 0u);
    EXPECT_EQ(mm::frame_stats().free, free_before_) << "frames leaked with warm tables";
    EXPECT_EQ(mm::frame_stats().page_tables, 0u);
}

void SpaceTest::run(mm::AddressSpace& of) {
    if (running) running->deactivate(0);
    running = &of;
    of.activate(0);
}

i64 SpaceTest::map(mm::AddressSpace& in, u64 hint, u64 length, u32 prot, u32 flags,
                   Ref<mm::PageSource> source, u64 offset) {
    mm::MapRequest request{.hint = UserAddr(hint),
                           .length = length,
                           .prot = prot,
                           .flags = flags,
                           .source = std::move(source),
                           .offset = offset,
                           .keep = {},
                           .name = {}};
    Result<UserAddr> at = in.map(request);
    return at ? static_cast<i64>(at->raw()) : -static_cast<i64>(at.error());
}

std::vector<std::string> SpaceTest::areas(mm::AddressSpace& of) {
    Vector<mm::AreaInfo> list;
    EXPECT_TRUE(of.list(list));
    std::vector<std::string> text;
    for (const mm::AreaInfo& a : list) {
        char line[128];
        snprintf(line, sizeof line, "%lx-%lx %c%c%c%c", a.start.raw(), a.end.raw(), a.prot & 1 ? 'r' : '-',
                 a.prot & 2 ? 'w' : '-', a.prot & 4 ? 'x' : '-', a.shared ? 's' : 'p');
        text.push_back(line);
        if (!a.name.empty()) text.back() += " " + std::string(a.name);
    }
    return text;
}

TestSource::TestSource(u64 pages) : size(pages * kPageSize) {
    for (u64 i = 0; i < pages; i++) {
        frames.push_back(mm::FrameRef::adopt(*mm::alloc_frame(mm::Zero::No)));
        memset(frames.back().data(), static_cast<int>(i + 1), kPageSize);
    }
}

Result<mm::FrameRef> TestSource::page(u64 index, bool for_write) {
    if (index >= frames.size()) return fail(Errno::kEFAULT);
    asked_for_write += for_write;
    if (for_write && copy_up) {
        copy_up = false;
        mm::FrameRef fresh = mm::FrameRef::adopt(*mm::alloc_frame(mm::Zero::No));
        memcpy(fresh.data(), frames[index].data(), kPageSize);
        frames[index] = std::move(fresh);
    }
    return mm::FrameRef::share(frames[index].frame());
}

mm::FrameRef TestSource::page_if_resident(u64 index) {
    return index < frames.size() ? mm::FrameRef::share(frames[index].frame()) : mm::FrameRef();
}

}  // namespace astra
