// The frame allocator: accounting, references, joining of buddies, memory of any shape.
#include <map>
#include <set>

#include "guest_kernel/mm/frame_table.hpp"
#include "tests/unit/mm/fixture.hpp"

namespace astra::mm {

namespace {

using Frames = MemoryTest;

TEST_F(Frames, CountsEveryFrame) {
    FrameStats at_start = frame_stats();
    // Metadata takes 16 bytes per frame, and one frame is the zero page.
    u64 frames = kRamBytes / kPageSize;
    EXPECT_EQ(at_start.total, frames - frames * 16 / kPageSize);
    EXPECT_EQ(at_start.free, at_start.total - 1);
    std::set<u64> seen;
    for (;;) {
        Result<PhysAddr> frame = take_frames(0, Reserve::Use);
        if (!frame) break;
        EXPECT_TRUE(seen.insert(frame->raw()).second);
        EXPECT_TRUE(*frame >= arch::host::kRam.base && *frame - arch::host::kRam.base < kRamBytes);
    }
    EXPECT_EQ(seen.size(), at_start.free);
    EXPECT_EQ(frame_stats().free, 0u);
    for (u64 frame : seen) unref_frame(PhysAddr(frame));
    EXPECT_EQ(frame_stats().free, at_start.free);
    // All joined again: the largest blocks can be had.
    Result<PhysAddr> large = alloc_frames(12, Zero::No);
    ASSERT_TRUE(large);
    EXPECT_TRUE(is_aligned(large->raw(), kPageSize << 12));
    free_frames(*large, 12);
}

TEST_F(Frames, KeepsAReserveForTheKernel) {
    std::vector<PhysAddr> taken;
    while (Result<PhysAddr> frame = alloc_frame(Zero::No)) taken.push_back(*frame);
    EXPECT_GE(frame_stats().free, 32u);
    EXPECT_EQ(alloc_frames(9, Zero::No).error(), Errno::kENOMEM);
    Result<PhysAddr> table = alloc_page_table_frame();
    ASSERT_TRUE(table);
    EXPECT_EQ(frame_stats().page_tables, 1u);
    free_page_table_frame(*table);
    EXPECT_EQ(frame_stats().page_tables, 0u);
    for (PhysAddr frame : taken) unref_frame(frame);
}

TEST_F(Frames, CountsReferences) {
    u64 free = frame_stats().free;
    PhysAddr frame = *alloc_frame(Zero::Yes);
    EXPECT_EQ(static_cast<u8*>(arch::phys_to_virt(frame))[123], 0);
    EXPECT_EQ(frame_refs(frame), 1u);
    ref_frame(frame);
    EXPECT_EQ(frame_refs(frame), 2u);
    unref_frame(frame);
    EXPECT_EQ(frame_stats().free, free - 1);
    unref_frame(frame);
    EXPECT_EQ(frame_stats().free, free);
    // Frames outside RAM and the zero page are nobody's to count.
    for (PhysAddr other : {PhysAddr(0xd000'0000), zero_frame()}) {
        EXPECT_EQ(frame_refs(other), ~0u);
        ref_frame(other);
        unref_frame(other);
        unref_frame(other);
    }
    EXPECT_EQ(frame_stats().free, free);
}

TEST_F(Frames, SplitsABlockIntoFrames) {
    u64 free = frame_stats().free;
    PhysAddr base = *alloc_frames(9, Zero::No);
    EXPECT_TRUE(is_aligned(base.raw(), kHugePageSize));
    split_frames(base, 9);
    for (u64 i = 0; i < 512; i++) EXPECT_EQ(frame_refs(base + i * kPageSize), 1u);
    for (u64 i = 0; i < 512; i += 2) unref_frame(base + i * kPageSize);
    EXPECT_EQ(frame_stats().free, free - 256);
    u32 chain = 0;
    for (u64 i = 1; i < 512; i += 2) {
        u32 number = frame_number(base + i * kPageSize);
        find_frame(number)->next = chain;
        chain = number;
    }
    free_frame_chain(chain);
    EXPECT_EQ(frame_stats().free, free);
}

TEST_F(Frames, UseRangesOfAnyShape) {
    // Odd starts and ends, a hole, a range too small to be worth it.
    u64 base = arch::host::kRam.base.raw();
    BootInfo::Range ranges[] = {{PhysAddr(base + 0x1234), 5 * 1024 * 1024 + 77},
                                {PhysAddr(base + (16 << 20)), 3 << 20},
                                {PhysAddr(base + (40 << 20) + 0x3000), 7 << 20},
                                {PhysAddr(base + (60 << 20)), 20 << 10}};
    init_frames(ranges);
    auto inside = [&](PhysAddr frame) {
        for (const auto& r : ranges)
            if (frame >= r.base && frame + kPageSize <= r.base + r.size) return true;
        return false;
    };
    u64 free = frame_stats().free, count = 0;
    std::vector<PhysAddr> taken;
    while (Result<PhysAddr> frame = take_frames(0, Reserve::Use)) {
        EXPECT_TRUE(inside(*frame));
        memset(arch::phys_to_virt(*frame), 0x5a, kPageSize);
        taken.push_back(*frame);
        count++;
    }
    EXPECT_EQ(count, free);
    for (PhysAddr frame : taken) unref_frame(frame);
    EXPECT_EQ(frame_stats().free, free);
}

TEST_F(Frames, SurviveRandomUse) {
    std::mt19937 random(1);
    std::map<u64, u32> blocks;  // base → order
    u64 free = frame_stats().free, used = 0;
    auto overlaps = [&](u64 base, u32 order) {
        auto next = blocks.lower_bound(base);
        if (next != blocks.end() && next->first < base + (kPageSize << order)) return true;
        return next != blocks.begin() &&
               std::prev(next)->first + (kPageSize << std::prev(next)->second) > base;
    };
    for (int step = 0; step < 20000; step++) {
        if (random() % 5 < 3) {
            u32 order = random() % 4 ? random() % 3 : random() % 11;
            Result<PhysAddr> base = alloc_frames(order, Zero::No);
            if (!base) continue;
            ASSERT_TRUE(is_aligned(base->raw(), kPageSize << order));
            ASSERT_FALSE(overlaps(base->raw(), order));
            blocks[base->raw()] = order;
            used += u64{1} << order;
        } else if (!blocks.empty()) {
            auto at = blocks.lower_bound(arch::host::kRam.base.raw() + random() % kRamBytes);
            if (at == blocks.end()) at = blocks.begin();
            if (at->second == 0)
                unref_frame(PhysAddr(at->first));
            else
                free_frames(PhysAddr(at->first), at->second);
            used -= u64{1} << at->second;
            blocks.erase(at);
        }
        ASSERT_EQ(frame_stats().free, free - used);
    }
}

TEST_F(Frames, BootTouchesNoMetadata) {
    // Garbage everywhere but in the frames that were handed out.
    u64 touched = 0;
    const u8* bytes = static_cast<const u8*>(arch::phys_to_virt(arch::host::kRam.base));
    for (u64 i = 0; i < kRamBytes; i += kPageSize) {
        bool garbage = true;
        for (u64 j = 0; j < kPageSize; j++) garbage = garbage && bytes[i + j] == 0xa5;
        touched += !garbage;
    }
    EXPECT_LE(touched, 16u);
}

}  // namespace

}  // namespace astra::mm
