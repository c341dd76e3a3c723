// The PIT's ports, channel 0's interrupt, and port 0x61.
#include "vmm/devices/pit.hpp"

#include <gtest/gtest.h>

#include "tests/unit/devices/fakes.hpp"

namespace astra::vmm::test {
namespace {

constexpr u64 kControl = 3;
constexpr u64 kMs = 1'000'000;
constexpr u16 kMillisecond = 1193;  // 1193182 Hz / 1000

struct PitTest : testing::Test {
    void program(u8 channel, u8 mode, u16 count) {
        out(pit, kControl, static_cast<u8>(channel << 6 | 0x30 | mode << 1));
        out(pit, channel, static_cast<u8>(count));
        out(pit, channel, static_cast<u8>(count >> 8));
    }
    u16 read16(u8 channel) {
        u16 low = in(pit, channel);
        return static_cast<u16>(low | in(pit, channel) << 8);
    }
    FakeTime time;
    FakeIrq irq;
    Pit pit{irq, time, time.factory()};
};

TEST_F(PitTest, IsSilentUntilProgrammed) {
    time.advance(1000 * kMs);
    EXPECT_EQ(irq.raises, 0u);
    EXPECT_FALSE(time.any_armed());
}

TEST_F(PitTest, Mode2At1000HzTicksAThousandTimesASecond) {
    program(0, 2, kMillisecond);
    time.advance(10'000 * kMs);
    EXPECT_NEAR(static_cast<double>(irq.raises), 10'000 * 1193.182 / 1193, 1);
    EXPECT_FALSE(irq.level) << "edges";
    EXPECT_EQ(pit.lost_ticks(), 0u);
    EXPECT_EQ(time.fired, irq.raises) << "one timer call per tick";
}

TEST_F(PitTest, Mode3TicksAtTheSameRate) {
    program(0, 3, kMillisecond);
    time.advance(1000 * kMs);
    EXPECT_NEAR(static_cast<double>(irq.raises), 1000, 1);
}

TEST_F(PitTest, Mode0TicksOnceAfterItsCount) {
    program(0, 0, 11932);
    time.advance(9 * kMs);
    EXPECT_EQ(irq.raises, 0u);
    time.advance(2 * kMs);
    EXPECT_EQ(irq.raises, 1u);
    time.advance(1000 * kMs);
    EXPECT_EQ(irq.raises, 1u);
    EXPECT_FALSE(time.any_armed());
}

TEST_F(PitTest, Mode4TicksOnceAfterItsCount) {
    program(0, 4, 11932);
    time.advance(11 * kMs);
    EXPECT_EQ(irq.raises, 1u);
    EXPECT_FALSE(time.any_armed());
}

TEST_F(PitTest, OtherChannelsDoNotInterrupt) {
    program(1, 2, 18);
    program(2, 2, kMillisecond);
    time.advance(100 * kMs);
    EXPECT_EQ(irq.raises, 0u);
}

TEST_F(PitTest, ReprogrammingChangesTheRate) {
    program(0, 2, kMillisecond);
    time.advance(100 * kMs);
    irq.raises = 0;
    program(0, 2, 10 * kMillisecond);
    time.advance(1000 * kMs);
    EXPECT_NEAR(static_cast<double>(irq.raises), 100, 1);
}

TEST_F(PitTest, AControlWordWithoutCountStopsTheTicks) {
    program(0, 2, kMillisecond);
    time.advance(10 * kMs);
    irq.raises = 0;
    out(pit, kControl, 0x30);
    time.advance(1000 * kMs);
    EXPECT_EQ(irq.raises, 0u);
}

TEST_F(PitTest, TicksMissedWhileTheHostWasBusyAreMadeUp) {
    program(0, 2, kMillisecond);
    time.advance(10 * kMs);
    irq.raises = 0;
    time.stall(20 * kMs);
    time.advance(0);
    EXPECT_EQ(irq.raises, 1u) << "not all at once: a controller holds one edge";
    time.advance(5 * kMs);
    EXPECT_GT(irq.raises, 8u);
    EXPECT_LE(irq.raises, 12u) << "at most twice the rate";
    time.advance(75 * kMs);
    EXPECT_NEAR(static_cast<double>(irq.raises), 100, 1);
    EXPECT_EQ(pit.lost_ticks(), 0u);
}

TEST_F(PitTest, MoreThanASecondOfMissedTicksIsDroppedAndCounted) {
    program(0, 2, kMillisecond);
    time.stall(5000 * kMs);
    time.advance(3000 * kMs);
    EXPECT_NEAR(static_cast<double>(pit.lost_ticks()), 4000, 3);
    EXPECT_NEAR(static_cast<double>(irq.raises), 4000, 3);
    EXPECT_NEAR(static_cast<double>(irq.raises + pit.lost_ticks()), 8000 * 1193.182 / 1193, 3);
}

TEST_F(PitTest, ReprogrammingForgivesTheBacklogButOne) {
    program(0, 2, kMillisecond);
    time.stall(20 * kMs);
    program(0, 2, kMillisecond);
    EXPECT_EQ(irq.raises, 1u);
    time.advance(100 * kMs);
    EXPECT_NEAR(static_cast<double>(irq.raises), 102, 1);
    EXPECT_NEAR(static_cast<double>(pit.lost_ticks()), 18, 1);
}

TEST_F(PitTest, AnAbsurdRateCannotFloodTheHost) {
    program(0, 2, 2);  // 600 kHz
    time.advance(2000 * kMs);
    EXPECT_LE(irq.raises, 10'001u);
    EXPECT_LE(time.fired, 10'002u);
    EXPECT_GT(pit.lost_ticks(), 0u);
}

TEST_F(PitTest, CountRunsAt1193182Hz) {
    program(0, 2, 0);
    time.advance(10 * kMs);
    out(pit, kControl, 0x00);
    EXPECT_NEAR(0x10000 - read16(0), 11931.82, 2);
}

TEST_F(PitTest, LatchCommandNamesItsChannel) {
    program(0, 2, 0x4000);
    program(2, 2, 0x2000);
    out(pit.speaker_port(), 0, 1);
    time.advance(kMs);
    out(pit, kControl, 0x80);
    time.advance(kMs);
    EXPECT_NEAR(0x2000 - read16(2), 1193, 2);
    EXPECT_NEAR(0x4000 - read16(0), 2386, 3);
}

TEST_F(PitTest, ReadBackLatchesCountAndStatusOfSeveralChannels) {
    program(0, 2, 0x4000);
    program(1, 3, 0x1000);
    time.advance(kMs);
    out(pit, kControl, 0xc0 | 0x02 | 0x04);
    time.advance(kMs);
    EXPECT_EQ(in(pit, 0) & 0x3f, 0x34);
    EXPECT_NEAR(0x4000 - read16(0), 1193, 2);
    EXPECT_EQ(in(pit, 1) & 0x3f, 0x36);
    EXPECT_NEAR(0x1000 - read16(1), 2386, 3);
}

TEST_F(PitTest, ReadBackCanLatchStatusOrCountAlone) {
    program(0, 2, 0x4000);
    time.advance(kMs);
    out(pit, kControl, 0xe2);  // status only
    EXPECT_EQ(in(pit, 0), 0xb4);
    time.advance(kMs);
    EXPECT_NEAR(0x4000 - read16(0), 2386, 3);
    out(pit, kControl, 0xd2);  // count only
    time.advance(kMs);
    EXPECT_NEAR(0x4000 - read16(0), 2386, 3);
}

TEST_F(PitTest, ControlPortReadsAllOnes) { EXPECT_EQ(in(pit, kControl), 0xff); }

TEST_F(PitTest, SpeakerPortGatesChannel2AndShowsItsOutput) {
    program(2, 0, 11932);
    time.advance(100 * kMs);
    EXPECT_EQ(in(pit.speaker_port(), 0) & 0x20, 0) << "the gate is low at power-up";
    out(pit.speaker_port(), 0, 0x01);
    time.advance(9 * kMs);
    EXPECT_EQ(in(pit.speaker_port(), 0) & 0x20, 0);
    time.advance(2 * kMs);
    EXPECT_EQ(in(pit.speaker_port(), 0) & 0x20, 0x20) << "what a TSC calibration waits for";
}

TEST_F(PitTest, SpeakerPortKeepsItsLowBitsOnly) {
    out(pit.speaker_port(), 0, 0xff);
    EXPECT_EQ(in(pit.speaker_port(), 0) & 0xcf, 0x0f);
}

TEST_F(PitTest, RefreshBitTogglesEveryFifteenMicroseconds) {
    int toggles = 0;
    u8 before = in(pit.speaker_port(), 0) & 0x10;
    for (int us = 0; us < 1000; ++us) {
        time.advance(1000);
        u8 after = in(pit.speaker_port(), 0) & 0x10;
        toggles += after != before;
        before = after;
    }
    EXPECT_NEAR(toggles, 66, 1);
}

}  // namespace
}  // namespace astra::vmm::test
