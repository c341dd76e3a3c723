// GuestMemory: bounds, permissions, atomics.
#include "vmm/memory/guest_memory.hpp"

#include <gtest/gtest.h>

namespace astra::vmm {
namespace {

class GuestMemoryTest : public testing::Test {
  protected:
    GuestMemoryTest() {
        EXPECT_TRUE(memory.add({PhysAddr(0x1000), low}));
        EXPECT_TRUE(memory.add({PhysAddr(0x1'0000'0000), high, true}));
    }
    alignas(8) std::array<u8, 0x2000> low{};
    alignas(8) std::array<u8, 0x1000> high{};
    GuestMemory memory;
};

TEST_F(GuestMemoryTest, RefusesOverlapsWrapsAndEmptyRegions) {
    std::array<u8, 0x1000> other;
    EXPECT_FALSE(memory.add({PhysAddr(0x2fff), other}));
    EXPECT_FALSE(memory.add({PhysAddr(0x1), other}));
    EXPECT_FALSE(memory.add({PhysAddr(~u64{0} - 10), other}));
    EXPECT_FALSE(memory.add({PhysAddr(0x8000), {}}));
    EXPECT_TRUE(memory.add({PhysAddr(0x3000), other}));
}

TEST_F(GuestMemoryTest, CopiesInsideARegionOnly) {
    u32 value = 0x11223344;
    EXPECT_TRUE(memory.write_object(PhysAddr(0x2ffc), value));
    u32 back = 0;
    EXPECT_TRUE(memory.read_object(PhysAddr(0x2ffc), back));
    EXPECT_EQ(back, value);
    EXPECT_FALSE(memory.write_object(PhysAddr(0x2ffd), value));
    EXPECT_FALSE(memory.read_object(PhysAddr(0xffe), back));
    EXPECT_FALSE(memory.read_object(PhysAddr(~u64{0} - 1), back));
}

TEST_F(GuestMemoryTest, ReadOnlyRegionsTakeNoWrites) {
    u32 value = 1;
    EXPECT_TRUE(memory.read_object(PhysAddr(0x1'0000'0000), value));
    EXPECT_FALSE(memory.write_object(PhysAddr(0x1'0000'0000), value));
    EXPECT_FALSE(memory.store_u16(PhysAddr(0x1'0000'0000), 1));
    EXPECT_TRUE(memory.host_span(PhysAddr(0x1'0000'0000), 16, true).empty());
    EXPECT_EQ(memory.host_span(PhysAddr(0x1'0000'0000), 16, false).data(), high.data());
}

TEST_F(GuestMemoryTest, AtomicsMustBeAligned) {
    EXPECT_TRUE(memory.store_u16(PhysAddr(0x1002), 0xbeef));
    u16 value = 0;
    EXPECT_TRUE(memory.load_u16(PhysAddr(0x1002), value));
    EXPECT_EQ(value, 0xbeef);
    EXPECT_FALSE(memory.load_u16(PhysAddr(0x1003), value));
    EXPECT_FALSE(memory.load_u16(PhysAddr(0x3000), value));
}

}  // namespace
}  // namespace astra::vmm
