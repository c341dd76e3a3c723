// Memory layout, and the host memory behind it.
#include "vmm/memory/layout.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdio>
#include <fstream>

#include "guest_kernel/abi/counters.hpp"
#include "guest_kernel/abi/machine.hpp"
#include "vmm/memory/backing.hpp"

namespace astra::vmm {
namespace {

namespace machine = abi::machine;
constexpr u64 kGib = u64{1} << 30;

TEST(Layout, SmallMemoryIsOneRange) {
    auto layout = lay_out(256 << 20, 0, 0);
    ASSERT_TRUE(layout);
    ASSERT_EQ(layout->ram.size(), 1u);
    EXPECT_EQ(layout->ram[0].base, PhysAddr(0));
    EXPECT_EQ(layout->ram[0].size, 256u << 20);
    EXPECT_EQ(layout->image.size, 0u);
    EXPECT_EQ(layout->counters.size, 0u);
}

TEST(Layout, LargeMemoryLeavesTheHole) {
    auto layout = lay_out(5 * kGib, 0, 0);
    ASSERT_TRUE(layout);
    ASSERT_EQ(layout->ram.size(), 2u);
    EXPECT_EQ(layout->ram[0].end(), PhysAddr(machine::kLowRamLimit));
    EXPECT_EQ(layout->ram[1].base, PhysAddr(machine::kHighRamBase));
    EXPECT_EQ(layout->ram[1].size, 2 * kGib);
    EXPECT_EQ(lay_out(3 * kGib, 0, 0)->ram.size(), 1u);
}

TEST(Layout, ImagesGoBelowOrAboveByTheirSize) {
    auto small = lay_out(5 * kGib, 4097, 0);
    ASSERT_TRUE(small);
    EXPECT_EQ(small->image.base, PhysAddr(machine::kImageBase));
    EXPECT_EQ(small->image.size, 8192u);
    auto large = lay_out(5 * kGib + kPageSize, machine::kImageMax + 1, 0);
    ASSERT_TRUE(large);
    EXPECT_EQ(large->image.base, PhysAddr(machine::kHighRamBase + 2 * kGib + kHugePageSize));
    auto large_in_small = lay_out(64 << 20, machine::kImageMax + 1, 0);
    ASSERT_TRUE(large_in_small);
    EXPECT_EQ(large_in_small->image.base, PhysAddr(machine::kHighRamBase));
}

TEST(Layout, CountersOfEveryMachineFit) {
    auto layout = lay_out(64 << 20, 0, abi::counters::region_bytes(abi::counters::kMaxCpus));
    ASSERT_TRUE(layout);
    EXPECT_EQ(layout->counters.base, PhysAddr(machine::kCountersBase));
    EXPECT_LE(layout->counters.end().raw(), machine::kVirtioBase);
}

TEST(Layout, RefusesWhatHasNoPlace) {
    EXPECT_FALSE(lay_out(0, 0, 0));
    EXPECT_FALSE(lay_out(kMinRam - kPageSize, 0, 0));
    EXPECT_FALSE(lay_out(kMinRam + 1, 0, 0));
    EXPECT_FALSE(lay_out(~u64{0} - 0xfff, 0, 0));
    EXPECT_FALSE(lay_out(kPhysicalLimit, 0, 0));
    EXPECT_FALSE(lay_out(64 << 20, ~u64{0}, 0));
    EXPECT_FALSE(lay_out(64 << 20, kPhysicalLimit - kGib, 0));
    EXPECT_FALSE(lay_out(64 << 20, 0, kMaxCounters + kPageSize));
    EXPECT_FALSE(lay_out(64 << 20, 0, 100));
}

TEST(Backing, AnonymousMemoryIsAlignedAndZero) {
    for (usize size : {usize{kPageSize}, usize{kHugePageSize}, usize{3 * kHugePageSize + kPageSize}}) {
        auto mapping = map_anonymous(size);
        ASSERT_TRUE(mapping);
        EXPECT_EQ(mapping->size(), size);
        EXPECT_TRUE(is_aligned(reinterpret_cast<u64>(mapping->data()), kHugePageSize));
        EXPECT_EQ(mapping->data()[size - 1], 0);
        mapping->data()[size - 1] = 1;
    }
}

TEST(Backing, ImagesReadTheSameUnderBothPolicies) {
    std::string path = testing::TempDir() + "astra-image-test";
    std::ofstream(path) << std::string(5000, 'x');
    for (auto policy : {ImagePolicy::Copy, ImagePolicy::Map}) {
        auto image = load_image(path, policy);
        ASSERT_TRUE(image);
        EXPECT_EQ(image->size, 5000u);
        EXPECT_EQ(image->memory.size(), 8192u);
        EXPECT_EQ(image->memory.data()[4999], 'x');
        EXPECT_EQ(image->memory.data()[5000], 0);
    }
    std::remove(path.c_str());
    EXPECT_FALSE(load_image(path, ImagePolicy::Copy));
    EXPECT_FALSE(load_image("/dev/null", ImagePolicy::Copy));
    EXPECT_FALSE(load_image("/", ImagePolicy::Map));
}

TEST(Backing, SharedMemoryIsCheckedForItsSize) {
    Fd fd(::memfd_create("counters", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(fd.get(), 5000), 0);
    EXPECT_FALSE(map_shared(fd.get(), 4096));
    ASSERT_EQ(::ftruncate(fd.get(), 8192), 0);
    EXPECT_FALSE(map_shared(fd.get(), 12288));
    auto mapping = map_shared(fd.get(), 8192);
    ASSERT_TRUE(mapping);
    mapping->data()[0] = 7;
    u8 byte = 0;
    EXPECT_EQ(::pread(fd.get(), &byte, 1, 0), 1);
    EXPECT_EQ(byte, 7);
    EXPECT_FALSE(map_shared(-1, 1));
}

}  // namespace
}  // namespace astra::vmm
