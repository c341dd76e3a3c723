// RangeSet: what the boot loader's memory map becomes.
#include "guest_kernel/arch/x86_64/range_set.hpp"

#include <gtest/gtest.h>

#include <random>

namespace astra::arch {

namespace {

std::vector<std::pair<u64, u64>> contents(const RangeSet& set) {
    std::vector<std::pair<u64, u64>> list;
    for (auto [base, size] : set.ranges()) list.emplace_back(base.raw(), size);
    return list;
}
using List = std::vector<std::pair<u64, u64>>;

TEST(RangeSet, AddsWholePagesAndJoins) {
    RangeSet set;
    EXPECT_TRUE(set.add(PhysAddr(0x1001), 0x2fff));
    EXPECT_EQ(contents(set), (List{{0x2000, 0x2000}}));
    EXPECT_TRUE(set.add(PhysAddr(0x8000), 0x1000));
    EXPECT_TRUE(set.add(PhysAddr(0x4000), 0x4000));
    EXPECT_EQ(contents(set), (List{{0x2000, 0x7000}}));
    EXPECT_TRUE(set.add(PhysAddr(0x3000), 0x800));  // less than a page
    EXPECT_EQ(contents(set), (List{{0x2000, 0x7000}}));
}

TEST(RangeSet, RemovesTouchedPagesAndSplits) {
    RangeSet set;
    EXPECT_TRUE(set.add(PhysAddr(0x1000), 0x9000));
    EXPECT_TRUE(set.remove(PhysAddr(0x2fff), 2));
    EXPECT_EQ(contents(set), (List{{0x1000, 0x1000}, {0x4000, 0x6000}}));
    EXPECT_TRUE(set.remove(PhysAddr(), ~u64{0}));
    EXPECT_TRUE(set.ranges().empty());
}

TEST(RangeSet, SurvivesTheTopOfTheAddressSpace) {
    RangeSet set;
    EXPECT_TRUE(set.add(PhysAddr(~u64{0} - 0xfff), 0x1000));
    EXPECT_TRUE(set.ranges().empty());
    EXPECT_TRUE(set.add(PhysAddr(0xffff'ffff'0000'0000), ~u64{0}));
    ASSERT_EQ(set.ranges().size(), 1u);
    EXPECT_LE(set.ranges()[0].size, 0x1'0000'0000);
    EXPECT_TRUE(set.remove(PhysAddr(0xffff'ffff'0000'0000), ~u64{0}));
    EXPECT_TRUE(set.ranges().empty());
}

TEST(RangeSet, TakesFromTheLowestThatFits) {
    RangeSet set;
    EXPECT_TRUE(set.add(PhysAddr(0x1000), 0x1000));
    EXPECT_TRUE(set.add(PhysAddr(0x5000), 0x8000));
    EXPECT_EQ(set.take(0x2000, 0x4000, PhysAddr(0x10000)), PhysAddr(0x8000));
    EXPECT_EQ(contents(set), (List{{0x1000, 0x1000}, {0x5000, 0x3000}, {0xa000, 0x3000}}));
    EXPECT_TRUE(set.take(0x4000, 0x1000, PhysAddr(0x10000)).is_null());
    EXPECT_TRUE(set.take(0x1000, 0x1000, PhysAddr(0x1000)).is_null());
}

TEST(RangeSet, AgreesWithABitmap) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; round++) {
        RangeSet set;
        std::vector<bool> pages(128);
        for (int step = 0; step < 40; step++) {
            u64 base = random() % 100, size = random() % 28;
            bool adding = random() % 2;
            ASSERT_TRUE(adding ? set.add(PhysAddr(base << 12), size << 12)
                               : set.remove(PhysAddr(base << 12), size << 12));
            for (u64 i = base; i < base + size; i++) pages[i] = adding;
        }
        List expected;
        for (u64 i = 0; i < pages.size(); i++) {
            if (!pages[i]) continue;
            if (i > 0 && pages[i - 1]) {
                expected.back().second += kPageSize;
            } else {
                expected.emplace_back(i << 12, kPageSize);
            }
        }
        ASSERT_EQ(contents(set), expected);
    }
}

}  // namespace

}  // namespace astra::arch
