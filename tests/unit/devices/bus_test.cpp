// Bus: windows, overlaps, unclaimed addresses, counters.
#include "vmm/devices/bus.hpp"

#include <gtest/gtest.h>

#include <array>

#include "vmm/devices/exit_doorbell.hpp"

namespace astra::vmm {
namespace {

struct Recorder final : Device {
    [[nodiscard]] std::string_view label() const override { return "recorder"; }
    void read(u64 offset, std::span<u8> data) override {
        for (u8& byte : data) byte = static_cast<u8>(offset);
    }
    void write(u64 offset, std::span<const u8> data) override {
        last_offset = offset;
        last_size = data.size();
    }
    u64 last_offset = ~u64{0};
    usize last_size = 0;
};

struct BusTest : testing::Test {
    Bus bus{"port"};
    Recorder first, second;
    std::mutex lock;
};

TEST_F(BusTest, GivesTheDeviceOffsetsFromItsWindow) {
    ASSERT_TRUE(bus.attach(0x40, 4, first, lock));
    ASSERT_TRUE(bus.attach(0x70, 2, second, lock));
    bus.write(0x43, std::array<u8, 1>{7});
    EXPECT_EQ(first.last_offset, 3u);
    EXPECT_EQ(first.last_size, 1u);
    std::array<u8, 1> byte{};
    bus.read(0x71, byte);
    EXPECT_EQ(byte[0], 1);
}

TEST_F(BusTest, RefusesOverlapsInEveryArrangement) {
    ASSERT_TRUE(bus.attach(0x40, 4, first, lock));
    for (auto [base, size] : {std::pair<u64, u64>{0x40, 4}, {0x43, 1}, {0x3f, 2}, {0x30, 0x40}, {0x41, 1}}) {
        auto result = bus.attach(base, size, second, lock);
        ASSERT_FALSE(result) << std::hex << base;
        EXPECT_EQ(result.error().code, Code::InvalidArgument);
    }
    EXPECT_TRUE(bus.attach(0x3f, 1, second, lock));
    EXPECT_TRUE(bus.attach(0x44, 1, second, lock));
}

TEST_F(BusTest, RefusesEmptyAndWrappingWindows) {
    EXPECT_FALSE(bus.attach(0x40, 0, first, lock));
    EXPECT_FALSE(bus.attach(~u64{0} - 1, 3, first, lock));
    EXPECT_TRUE(bus.attach(~u64{0} - 1, 2, first, lock));
}

TEST_F(BusTest, ReadsAllOnesWhereNobodyAnswers) {
    ASSERT_TRUE(bus.attach(0x40, 4, first, lock));
    std::array<u8, 4> data{};
    bus.read(0x60, data);
    EXPECT_EQ(data, (std::array<u8, 4>{0xff, 0xff, 0xff, 0xff}));
    bus.read(0x30, data);
    EXPECT_EQ(data[3], 0xff);
    bus.write(0x44, data);
    EXPECT_EQ(first.last_offset, ~u64{0});
    EXPECT_EQ(bus.unclaimed(), 3u);
}

TEST_F(BusTest, AnAccessThatLeavesItsWindowReachesNobody) {
    ASSERT_TRUE(bus.attach(0x40, 4, first, lock));
    ASSERT_TRUE(bus.attach(0x44, 4, second, lock));
    std::array<u8, 2> data{};
    bus.read(0x43, data);
    EXPECT_EQ(data, (std::array<u8, 2>{0xff, 0xff}));
    bus.write(0x43, data);
    EXPECT_EQ(first.last_offset, ~u64{0});
    EXPECT_EQ(second.last_offset, ~u64{0});
}

TEST_F(BusTest, CountsAccessesPerWindow) {
    ASSERT_TRUE(bus.attach(0x70, 2, second, lock));
    ASSERT_TRUE(bus.attach(0x40, 4, first, lock));
    std::array<u8, 1> byte{};
    bus.read(0x40, byte);
    bus.read(0x41, byte);
    bus.write(0x70, byte);
    auto counts = bus.counts();
    ASSERT_EQ(counts.size(), 2u);
    EXPECT_EQ(counts[0].base, 0x40u);
    EXPECT_EQ(counts[0].reads, 2u);
    EXPECT_EQ(counts[0].writes, 0u);
    EXPECT_EQ(counts[1].label, "recorder");
    EXPECT_EQ(counts[1].writes, 1u);
}

TEST(ExitDoorbellTest, ReportsTheValueWhateverItsWidth) {
    std::vector<u32> rung;
    ExitDoorbell doorbell([&](u32 value) { rung.push_back(value); });
    doorbell.write(0, std::array<u8, 1>{0x81});
    doorbell.write(0, std::array<u8, 2>{0x34, 0x12});
    doorbell.write(0, std::array<u8, 4>{0x78, 0x56, 0x34, 0x12});
    EXPECT_EQ(rung, (std::vector<u32>{0x81, 0x1234, 0x12345678}));
}

TEST(ExitDoorbellTest, ReadsZeroAndDoesNotRing) {
    bool rung = false;
    ExitDoorbell doorbell([&](u32) { rung = true; });
    std::array<u8, 4> data{1, 2, 3, 4};
    doorbell.read(0, data);
    EXPECT_EQ(data, (std::array<u8, 4>{}));
    EXPECT_FALSE(rung);
}

TEST(ExitDoorbellTest, ExitStatusIsThatOfIsaDebugExit) {
    EXPECT_EQ(ExitDoorbell::exit_status(0), 1u);
    EXPECT_EQ(ExitDoorbell::exit_status(1), 3u);
    EXPECT_EQ(ExitDoorbell::exit_status(0x7f), 0xffu);
}

}  // namespace
}  // namespace astra::vmm
