// The MC146818 against its data sheet: time, formats, setting, update cycle, CMOS memory.
#include "tests/unit/devices/rtc_fixture.hpp"

namespace astra::vmm::test {
namespace {

using namespace vmm::rtc;

TEST_F(RtcTest, StartsAsABiosLeavesIt) {
    EXPECT_EQ(get(kRegisterA), 0x26) << "32.768 kHz, 1024 Hz";
    EXPECT_EQ(get(kRegisterB), 0x02) << "24 hours, BCD, no interrupts";
    EXPECT_EQ(get(kRegisterC) & 0x0f, 0);
    EXPECT_EQ(get(kRegisterD), 0x80) << "valid";
    EXPECT_FALSE(time.any_armed());
}

TEST_F(RtcTest, ShowsTheWallClockInBcd) { EXPECT_EQ(shown(), "20240229 123456 5"); }

TEST_F(RtcTest, ShowsTheWallClockInBinary) {
    set(kRegisterB, kBinary24);
    EXPECT_EQ(get(kSeconds), 56);
    EXPECT_EQ(get(kMinutes), 34);
    EXPECT_EQ(get(kHours), 12);
    EXPECT_EQ(get(kDay), 29);
    EXPECT_EQ(get(kMonth), 2);
    EXPECT_EQ(get(kYear), 24);
    EXPECT_EQ(get(kCentury), 20);
    EXPECT_EQ(get(kWeekday), 5);
}

TEST_F(RtcTest, FollowsTheWallClock) {
    time.advance(4 * kSecond);
    EXPECT_EQ(shown(), "20240229 123500 5");
    time.advance(11 * 3600 * kSecond + 25 * 60 * kSecond - 1);
    EXPECT_EQ(shown(), "20240229 235959 5");
    time.advance(1);
    EXPECT_EQ(shown(), "20240301 000000 6");
    time.set_wall_ns((kStart + 366 * 86'400) * kSecond);
    EXPECT_EQ(shown(), "20250301 123456 7");
}

TEST_F(RtcTest, TwelveHourFormat) {
    const std::tuple<u64, u8, u8> hours[] = {
        // hour of day, BCD, binary
        {0, 0x12, 12}, {1, 0x01, 1}, {11, 0x11, 11}, {12, 0x92, 0x8c}, {13, 0x81, 0x81}, {23, 0x91, 0x8b}};
    for (auto [hour, bcd, binary] : hours) {
        time.set_wall_ns((kStart / 86'400 * 86'400 + hour * 3600) * kSecond);
        set(kRegisterB, 0x00);
        EXPECT_EQ(get(kHours), bcd) << hour;
        set(kRegisterB, 0x04);
        EXPECT_EQ(get(kHours), binary) << hour;
    }
}

TEST_F(RtcTest, AGuestCanSetTheClock) {
    set_clock(0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x58, 6);
    EXPECT_EQ(shown(), "19991231 235958 6");
    time.advance(2 * kSecond);
    EXPECT_EQ(shown(), "20000101 000000 7");
}

TEST_F(RtcTest, AGuestCanSetTheClockInBinaryTwelveHours) {
    set(kRegisterB, 0x04);
    set_clock(20, 38, 1, 19, 0x80 | 3, 14, 7, 3);
    set(kRegisterB, kBcd24);
    EXPECT_EQ(shown(), "20380119 151407 3");
}

TEST_F(RtcTest, TheDayOfWeekIsWhatTheGuestSaysItIs) {
    set_clock(0x20, 0x24, 0x02, 0x29, 0x12, 0x00, 0x00, 7);  // really a Thursday
    EXPECT_EQ(get(kWeekday), 7);
    time.advance(86'400 * kSecond);
    EXPECT_EQ(get(kWeekday), 1);
}

TEST_F(RtcTest, SetHoldsTheRegisters) {
    set(kRegisterB, kBcd24 | kSet);
    time.advance(10 * kSecond);
    EXPECT_EQ(shown(), "20240229 123456 5");
    set(kSeconds, 0x30);
    set(kRegisterB, kBcd24);
    EXPECT_EQ(shown(), "20240229 123430 5");
    time.advance(kSecond);
    EXPECT_EQ(shown(), "20240229 123431 5");
}

TEST_F(RtcTest, ATimeRegisterCanBeWrittenWhileRunning) {
    set(kMinutes, 0x00);
    EXPECT_EQ(shown(), "20240229 120056 5");
    time.advance(kSecond);
    EXPECT_EQ(shown(), "20240229 120057 5");
}

TEST_F(RtcTest, NonsenseInTheRegistersCarriesOver) {
    set_clock(0x20, 0x23, 0x02, 0x31, 0x12, 0x00, 0x75, 1);
    EXPECT_EQ(shown().substr(0, 15), "20230303 120115");
    set_clock(0xff, 0xff, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff);
    (void)shown();
    set(kRegisterB, kBinary24);
    set_clock(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    (void)shown();
}

TEST_F(RtcTest, UpdateInProgressForTheLast2228MicrosecondsOfASecond) {
    EXPECT_EQ(get(kRegisterA) & 0x80, 0);
    time.advance(kSecond - 2'228'000 - 1);
    EXPECT_EQ(get(kRegisterA) & 0x80, 0);
    time.advance(1);
    EXPECT_EQ(get(kRegisterA) & 0x80, 0x80);
    EXPECT_EQ(get(kSeconds), 0x56);
    time.advance(2'228'000);
    EXPECT_EQ(get(kRegisterA) & 0x80, 0);
    EXPECT_EQ(get(kSeconds), 0x57);
}

TEST_F(RtcTest, NoUpdateInProgressWhileSet) {
    set(kRegisterB, kBcd24 | kSet);
    time.advance(kSecond - 1000);
    EXPECT_EQ(get(kRegisterA) & 0x80, 0);
}

TEST_F(RtcTest, UpdateInProgressCannotBeWritten) {
    set(kRegisterA, 0xa6);
    EXPECT_EQ(get(kRegisterA), 0x26);
}

TEST_F(RtcTest, RegistersCAndDAreReadOnly) {
    set(kRegisterC, 0xff);
    set(kRegisterD, 0x00);
    EXPECT_EQ(get(kRegisterC), 0);
    EXPECT_EQ(get(kRegisterD), 0x80);
}

TEST_F(RtcTest, DividerResetStopsEverythingAndTheNextUpdateIsHalfASecondAfterRelease) {
    time.advance(300 * kMs);
    set(kRegisterA, 0x76);
    set(kRegisterB, kBcd24 | kPie);
    (void)get(kRegisterC);
    time.advance(5 * kSecond);
    EXPECT_EQ(shown(), "20240229 123456 5");
    EXPECT_FALSE(irq.level);
    set(kRegisterB, kBcd24);
    set(kRegisterA, 0x26);
    time.advance(kSecond / 2 - 1);
    EXPECT_EQ(shown(), "20240229 123456 5");
    time.advance(1);
    EXPECT_EQ(shown(), "20240229 123457 5");
    time.advance(kSecond);
    EXPECT_EQ(shown(), "20240229 123458 5");
}

TEST_F(RtcTest, SettingTheClockAsLinuxDoes) {
    // mach_set_cmos_time(): SET, divider reset, write, SET off, divider on.
    u8 control = get(kRegisterB), frequency = get(kRegisterA);
    set(kRegisterB, control | kSet);
    set(kRegisterA, frequency | 0x70);
    set(kYear, 0x30), set(kMonth, 0x06), set(kDay, 0x15), set(kHours, 0x08), set(kMinutes, 0x09),
        set(kSeconds, 0x10);
    set(kRegisterB, control);
    time.advance(3 * kSecond);
    set(kRegisterA, frequency);
    EXPECT_EQ(shown().substr(0, 15), "20300615 080910");
    time.advance(kSecond / 2);
    EXPECT_EQ(shown().substr(0, 15), "20300615 080911");
}

TEST_F(RtcTest, CmosMemoryKeepsWhatIsWritten) {
    for (u8 cell = 0x0e; cell < 0x80; ++cell)
        if (cell != kCentury) set(cell, static_cast<u8>(cell ^ 0x5a));
    for (u8 cell = 0x0e; cell < 0x80; ++cell) EXPECT_EQ(get(cell), cell == kCentury ? 0x20 : cell ^ 0x5a);
}

TEST_F(RtcTest, AlarmRegistersReadBack) {
    set_alarm(0xff, 0x59, 0x01);
    time.advance(90 * kSecond);
    EXPECT_EQ(get(kHoursAlarm), 0xff);
    EXPECT_EQ(get(kMinutesAlarm), 0x59);
    EXPECT_EQ(get(kSecondsAlarm), 0x01);
}

TEST_F(RtcTest, IndexPortCarriesTheNmiMask) {
    EXPECT_FALSE(rtc.nmi_masked());
    out(rtc, 0, 0x80 | kRegisterD);
    EXPECT_TRUE(rtc.nmi_masked());
    EXPECT_EQ(in(rtc, 1), 0x80);
    out(rtc, 0, kRegisterD);
    EXPECT_FALSE(rtc.nmi_masked());
    EXPECT_EQ(in(rtc, 0), 0xff) << "write-only";
}

TEST_F(RtcTest, AWordWriteSetsIndexAndData) {
    std::array<u8, 2> both = {0x40, 0x77};
    rtc.write(0, both);
    EXPECT_EQ(get(0x40), 0x77);
}

}  // namespace
}  // namespace astra::vmm::test
