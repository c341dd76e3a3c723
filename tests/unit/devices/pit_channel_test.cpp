// One 8254 counter, tick by tick, against the timing diagrams of the data sheet.
#include "vmm/devices/pit_channel.hpp"

#include <gtest/gtest.h>

#include <string>

namespace astra::vmm::test {
namespace {

/// Control words for counter 0 with low byte only.
constexpr u8 mode(u8 m) { return static_cast<u8>(0x10 | m << 1); }
constexpr u8 mode16(u8 m) { return static_cast<u8>(0x30 | m << 1); }

struct PitChannelTest : testing::Test {
    void program(u8 control, u8 count) {
        channel.write_control(now, control);
        channel.write_count(now, count);
    }
    void write16(u16 count) {
        channel.write_count(now, static_cast<u8>(count));
        channel.write_count(now, static_cast<u8>(count >> 8));
    }
    u16 read16() {
        u16 low = channel.read(now);
        return static_cast<u16>(low | channel.read(now) << 8);
    }
    /// OUT after each of the next `ticks` clocks, '1' high.
    std::string wave(u64 ticks) {
        std::string levels;
        for (u64 i = 0; i < ticks; ++i) levels += channel.output(++now) ? '1' : '0';
        return levels;
    }
    /// The low byte of the count after each of the next clocks, in hexadecimal digits.
    std::string counts(u64 ticks) {
        std::string digits;
        for (u64 i = 0; i < ticks; ++i) digits += "0123456789abcdef"[channel.read(++now) & 15];
        return digits;
    }
    PitChannel channel;
    u64 now = 1000;
};

TEST_F(PitChannelTest, Mode0RisesOnePlusCountClocksAfterTheWrite) {
    program(mode(0), 4);
    EXPECT_FALSE(channel.output(now));
    EXPECT_EQ(wave(8), "00001111");
    EXPECT_EQ(channel.take_rises(now), 1u);
    EXPECT_EQ(channel.next_rise(now), std::nullopt);
}

TEST_F(PitChannelTest, Mode0CountsDownAndWraps) {
    program(mode(0), 4);
    EXPECT_EQ(counts(8), "43210fed");
}

TEST_F(PitChannelTest, Mode0NewCountStartsOver) {
    program(mode(0), 4);
    EXPECT_EQ(wave(3), "000");
    channel.write_count(now, 3);
    EXPECT_EQ(wave(5), "00011");
    channel.write_count(now, 2);
    EXPECT_EQ(wave(4), "0011");
}

TEST_F(PitChannelTest, Mode0FirstOfTwoBytesStopsTheCount) {
    channel.write_control(now, mode16(0));
    write16(3);
    EXPECT_EQ(wave(2), "00");
    channel.write_count(now, 5);
    EXPECT_EQ(wave(20), std::string(20, '0'));
    EXPECT_EQ(channel.next_rise(now), std::nullopt);
    channel.write_count(now, 0);
    EXPECT_EQ(wave(7), "0000011");
}

TEST_F(PitChannelTest, Mode0GateLowHoldsTheCount) {
    program(mode(0), 4);
    EXPECT_EQ(wave(2), "00");  // 4, 3
    channel.set_gate(now, false);
    EXPECT_EQ(counts(3), "333");
    channel.set_gate(now, true);
    EXPECT_EQ(wave(4), "0011");
}

TEST_F(PitChannelTest, Mode0LoadsWhileTheGateIsLow) {
    channel.set_gate(now, false);
    program(mode(0), 2);
    EXPECT_EQ(counts(3), "222");
    channel.set_gate(now, true);
    EXPECT_EQ(wave(3), "011");
}

TEST_F(PitChannelTest, Mode1WaitsForTheGateAndPulsesLow) {
    channel.set_gate(now, false);
    program(mode(1), 3);
    EXPECT_EQ(wave(5), "11111");
    channel.set_gate(now, true);
    EXPECT_EQ(wave(6), "000111");
    EXPECT_EQ(channel.take_rises(now), 1u);
}

TEST_F(PitChannelTest, Mode1RetriggerLengthensThePulseAndTakesTheNewCount) {
    channel.set_gate(now, false);
    program(mode(1), 3);
    channel.set_gate(now, true);
    EXPECT_EQ(wave(2), "00");
    channel.write_count(now, 2);  // does not disturb the running pulse
    channel.set_gate(now, false);
    channel.set_gate(now, true);
    EXPECT_EQ(wave(4), "0011");
}

TEST_F(PitChannelTest, Mode1GateLowDoesNotEndThePulse) {
    channel.set_gate(now, false);
    program(mode(1), 3);
    channel.set_gate(now, true);
    EXPECT_EQ(wave(1), "0");
    channel.set_gate(now, false);
    EXPECT_EQ(wave(4), "0011");
}

TEST_F(PitChannelTest, Mode2IsLowForOneClockEachPeriod) {
    program(mode(2), 4);
    EXPECT_EQ(wave(13), "1110111011101");
    EXPECT_EQ(channel.take_rises(now), 3u);
}

TEST_F(PitChannelTest, Mode2CountsFromNToOne) {
    program(mode(2), 4);
    EXPECT_EQ(counts(9), "432143214");
}

TEST_F(PitChannelTest, Mode2NewCountTakesEffectAtTheEndOfThePeriod) {
    program(mode(2), 4);
    EXPECT_EQ(wave(2), "11");
    channel.write_count(now, 3);
    EXPECT_EQ(wave(8), "10110110");
}

TEST_F(PitChannelTest, Mode2GateLowRaisesOutAndGateHighStartsOver) {
    program(mode(2), 4);
    EXPECT_EQ(wave(4), "1110");
    channel.set_gate(now, false);
    EXPECT_TRUE(channel.output(now));
    EXPECT_EQ(wave(6), "111111");
    channel.set_gate(now, true);
    EXPECT_EQ(wave(5), "11101");
}

TEST_F(PitChannelTest, Mode2ATriggerLoadsTheNewCount) {
    program(mode(2), 9);
    EXPECT_EQ(wave(3), "111");
    channel.write_count(now, 3);
    channel.set_gate(now, false);
    channel.set_gate(now, true);
    EXPECT_EQ(wave(4), "1101");
}

TEST_F(PitChannelTest, Mode3IsHighForTheLargerHalf) {
    program(mode(3), 4);
    EXPECT_EQ(wave(9), "110011001");
    program(mode(3), 5);
    EXPECT_EQ(wave(11), "11100111001");
}

TEST_F(PitChannelTest, Mode3CountsDownByTwo) {
    program(mode(3), 4);
    EXPECT_EQ(counts(8), "42424242");
    program(mode(3), 5);
    EXPECT_EQ(counts(10), "4204242042");
}

TEST_F(PitChannelTest, Mode3NewCountTakesEffectAtTheEndOfTheHalfCycle) {
    program(mode(3), 8);
    EXPECT_EQ(wave(2), "11");
    channel.write_count(now, 4);
    EXPECT_EQ(wave(8), "11001100");
}

TEST_F(PitChannelTest, Mode3GateLowRaisesOutAndGateHighStartsOver) {
    program(mode(3), 4);
    EXPECT_EQ(wave(3), "110");
    channel.set_gate(now, false);
    EXPECT_EQ(wave(4), "1111");
    channel.set_gate(now, true);
    EXPECT_EQ(wave(4), "1100");
}

TEST_F(PitChannelTest, Mode4StrobesLowOnce) {
    program(mode(4), 3);
    EXPECT_EQ(wave(8), "11101111");
    EXPECT_EQ(channel.take_rises(now), 1u);
    EXPECT_EQ(channel.next_rise(now), std::nullopt);
}

TEST_F(PitChannelTest, Mode4NewCountStartsOverAtOnce) {
    program(mode(4), 3);
    EXPECT_EQ(wave(2), "11");
    channel.write_count(now, 4);
    EXPECT_EQ(wave(6), "111101");
}

TEST_F(PitChannelTest, Mode4GateLowHoldsTheCount) {
    program(mode(4), 3);
    EXPECT_EQ(wave(2), "11");  // 3, 2
    channel.set_gate(now, false);
    EXPECT_EQ(wave(3), "111");
    channel.set_gate(now, true);
    EXPECT_EQ(wave(3), "101");
}

TEST_F(PitChannelTest, Mode5StrobesAfterATriggerAndCanBeRetriggered) {
    channel.set_gate(now, false);
    program(mode(5), 3);
    EXPECT_EQ(wave(4), "1111");
    channel.set_gate(now, true);
    EXPECT_EQ(wave(2), "11");
    channel.set_gate(now, false);
    channel.set_gate(now, true);
    EXPECT_EQ(wave(6), "111011");
}

TEST_F(PitChannelTest, HighModeBitIsIgnoredInModes2And3) {
    program(mode(6), 3);
    EXPECT_EQ(wave(6), "110110");
    program(mode(7), 4);
    EXPECT_EQ(wave(5), "11001");
}

TEST_F(PitChannelTest, CountZeroIsTheLargest) {
    channel.write_control(now, mode16(0));
    write16(0);
    now += 1 + 0xffff;
    EXPECT_FALSE(channel.output(now));
    EXPECT_TRUE(channel.output(now + 1));
}

TEST_F(PitChannelTest, BcdCountsInDecimal) {
    channel.write_control(now, mode16(0) | 1);
    write16(0x0100);
    now += 2;
    EXPECT_EQ(read16(), 0x0099);
    now += 99;
    EXPECT_TRUE(channel.output(now));
    now += 1;
    EXPECT_EQ(read16(), 0x9999);
}

TEST_F(PitChannelTest, BcdZeroIsTenThousand) {
    channel.write_control(now, mode16(2) | 1);
    write16(0);
    now += 1 + 10'000;
    EXPECT_EQ(channel.take_rises(now), 1u);
    EXPECT_EQ(channel.period(), 10'000u);
}

TEST_F(PitChannelTest, ByteAccessLowOnlyHighOnlyAndBoth) {
    channel.write_control(now, 0x10);
    channel.write_count(now, 0x34);
    now += 1;
    EXPECT_EQ(channel.read(now), 0x34);
    EXPECT_EQ(channel.read(now), 0x34);
    channel.write_control(now, 0x20);
    channel.write_count(now, 0x12);
    now += 1;
    EXPECT_EQ(channel.read(now), 0x12);
    EXPECT_EQ(channel.read(now), 0x12);
    channel.write_control(now, 0x30);
    write16(0x1234);
    now += 1;
    EXPECT_EQ(read16(), 0x1234);
    EXPECT_EQ(read16(), 0x1234);
}

TEST_F(PitChannelTest, AControlWordResetsTheByteOrder) {
    channel.write_control(now, 0x30);
    channel.write_count(now, 0x11);
    (void)channel.read(now);
    channel.write_control(now, 0x30);
    write16(0x5678);
    now += 1;
    EXPECT_EQ(read16(), 0x5678);
}

TEST_F(PitChannelTest, LatchedCountHoldsUntilBothBytesAreRead) {
    channel.write_control(now, mode16(2));
    write16(0x1000);
    now += 1 + 0x10;
    channel.latch_count(now);
    now += 0x200;
    channel.latch_count(now);  // ignored: one is held
    EXPECT_EQ(read16(), 0x0ff0);
    EXPECT_EQ(read16(), 0x1000 - 0x210);
}

TEST_F(PitChannelTest, LatchedStatusComesBeforeLatchedCount) {
    channel.write_control(now, mode16(2));
    write16(0x1000);
    now += 1;
    channel.latch_count(now);
    channel.latch_status(now);
    EXPECT_EQ(channel.read(now), 0x80 | 0x34);
    EXPECT_EQ(read16(), 0x1000);
}

TEST_F(PitChannelTest, StatusShowsTheControlWordAsWritten) {
    program(0x1c, 3);  // mode 2 with the don't-care bit
    now += 1;
    channel.latch_status(now);
    EXPECT_EQ(channel.read(now), 0x80 | 0x1c);
}

TEST_F(PitChannelTest, StatusShowsOutAndNullCount) {
    channel.write_control(now, mode(0));
    channel.latch_status(now);
    EXPECT_EQ(channel.read(now), 0x40 | 0x10) << "no count yet, OUT low";
    channel.write_count(now, 2);
    channel.latch_status(now);
    EXPECT_EQ(channel.read(now), 0x40 | 0x10) << "not loaded before the next clock";
    now += 1;
    channel.latch_status(now);
    EXPECT_EQ(channel.read(now), 0x10);
    now += 2;
    channel.latch_status(now);
    EXPECT_EQ(channel.read(now), 0x80 | 0x10);
}

TEST_F(PitChannelTest, NullCountStaysUntilThePeriodEnds) {
    program(mode(2), 4);
    now += 2;
    channel.write_count(now, 9);
    channel.latch_status(now);
    EXPECT_TRUE(channel.read(now) & 0x40);
    now += 3;
    channel.latch_status(now);
    EXPECT_FALSE(channel.read(now) & 0x40);
}

TEST_F(PitChannelTest, NextRiseIsWhereTheWaveRises) {
    for (u8 m : {0, 2, 3, 4}) {
        for (u8 count = 2; count < 12; ++count) {
            program(mode(m), count);
            (void)channel.take_rises(now);
            auto at = channel.next_rise(now);
            ASSERT_TRUE(at) << int{m} << ' ' << int{count};
            EXPECT_EQ(channel.take_rises(*at - 1), 0u) << int{m} << ' ' << int{count};
            EXPECT_EQ(channel.take_rises(*at), 1u) << int{m} << ' ' << int{count};
            now = *at;
        }
    }
}

TEST_F(PitChannelTest, AnHourUnobservedCostsNothingAndLosesNoRise) {
    constexpr u64 kHour = 1'193'182ull * 3600;
    program(mode(2), 2);
    now += 1 + kHour;
    EXPECT_EQ(channel.take_rises(now), kHour / 2);
    program(mode(3), 7);
    (void)channel.take_rises(now);
    now += 1 + 7 * 1'000'000'000ull;
    EXPECT_EQ(channel.take_rises(now), 1'000'000'000u);
    EXPECT_EQ(wave(6), "111000");
}

TEST_F(PitChannelTest, TheIllegalCountOfOneDoesNotHang) {
    for (u8 m : {2, 3}) {
        program(mode(m), 1);
        now += 1'000'000;
        EXPECT_GT(channel.take_rises(now), 0u);
    }
}

}  // namespace
}  // namespace astra::vmm::test
