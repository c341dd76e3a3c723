// The MC146818 against its data sheet: update-ended, alarm and periodic interrupts.
#include "tests/unit/devices/rtc_fixture.hpp"

namespace astra::vmm::test {
namespace {

using namespace vmm::rtc;

TEST_F(RtcTest, UpdateEndedInterruptsEverySecond) {
    set(kRegisterB, kBcd24 | kUie);
    time.advance(kSecond - 1);
    EXPECT_FALSE(irq.level);
    for (u64 i = 1; i <= 3; ++i) {
        time.advance(i == 1 ? 1 : kSecond);
        EXPECT_TRUE(irq.level);
        EXPECT_EQ(irq.rises, i);
        EXPECT_EQ(get(kRegisterC) & (kIrqf | kUf), kIrqf | kUf);
        EXPECT_FALSE(irq.level);
        EXPECT_EQ(get(kRegisterC), 0);
    }
}

TEST_F(RtcTest, TheLineStaysHighUntilRegisterCIsRead) {
    set(kRegisterB, kBcd24 | kUie);
    time.advance(10 * kSecond);
    EXPECT_EQ(irq.rises, 1u);
    EXPECT_EQ(time.fired, 1u) << "nothing to wake for while the line is high";
    (void)get(kRegisterC);
    time.advance(kSecond);
    EXPECT_EQ(irq.rises, 2u);
}

TEST_F(RtcTest, FlagsAreSetWithoutTheirEnables) {
    set_alarm(0xff, 0xff, 0xff);
    time.advance(kSecond);
    EXPECT_EQ(get(kRegisterC), kPf | kAf | kUf);
    EXPECT_EQ(irq.raises, 0u);
}

TEST_F(RtcTest, EnablingAnInterruptWhoseFlagIsSetInterruptsAtOnce) {
    time.advance(kSecond);
    set(kRegisterB, kBcd24 | kUie);
    EXPECT_TRUE(irq.level);
}

TEST_F(RtcTest, SetClearsTheUpdateInterruptEnable) {
    set(kRegisterB, kBcd24 | kUie | kPie | kAie | kSet);
    EXPECT_EQ(get(kRegisterB), kBcd24 | kPie | kAie | kSet);
}

TEST_F(RtcTest, AlarmAtAnExactTime) {
    set_alarm(0x12, 0x35, 0x10);
    set(kRegisterB, kBcd24 | kAie);
    time.advance(14 * kSecond - 1);
    EXPECT_FALSE(irq.level);
    time.advance(1);
    EXPECT_TRUE(irq.level);
    EXPECT_EQ(get(kRegisterC) & (kIrqf | kAf), kIrqf | kAf);
    time.advance(86'400 * kSecond - 1);
    EXPECT_EQ(irq.rises, 1u);
    time.advance(1);
    EXPECT_EQ(irq.rises, 2u) << "and the next day";
}

TEST_F(RtcTest, AlarmDontCareHoursIsHourly) {
    set_alarm(0xff, 0x00, 0x00);
    set(kRegisterB, kBcd24 | kAie);
    int alarms = 0;
    for (int minute = 0; minute < 6 * 60; ++minute) {
        time.advance(60 * kSecond);
        alarms += (get(kRegisterC) & kAf) != 0;
    }
    EXPECT_EQ(alarms, 6);
}

TEST_F(RtcTest, AlarmDontCareHoursAndMinutesIsEveryMinute) {
    set_alarm(0xc0, 0xc0, 0x30);
    set(kRegisterB, kBcd24 | kAie);
    time.advance(34 * kSecond);
    EXPECT_EQ(irq.rises, 1u);
    (void)get(kRegisterC);
    time.advance(60 * kSecond);
    EXPECT_EQ(irq.rises, 2u);
}

TEST_F(RtcTest, AlarmDontCareAllIsEverySecond) {
    set_alarm(0xff, 0xff, 0xff);
    set(kRegisterB, kBcd24 | kAie);
    for (u64 i = 1; i <= 5; ++i) {
        time.advance(kSecond);
        EXPECT_EQ(irq.rises, i);
        (void)get(kRegisterC);
    }
}

TEST_F(RtcTest, AlarmInTheAfternoonOfTwelveHourFormat) {
    set(kRegisterB, 0x00 | kAie);
    set_alarm(0x81, 0x00, 0x00);  // 1 PM
    time.advance((25 * 60 + 4) * kSecond - 1);
    EXPECT_FALSE(irq.level);
    time.advance(1);
    EXPECT_TRUE(irq.level);
}

TEST_F(RtcTest, AlarmInBinaryFormat) {
    set(kRegisterB, kBinary24 | kAie);
    set_alarm(12, 34, 59);
    time.advance(3 * kSecond);
    EXPECT_TRUE(irq.level);
}

TEST_F(RtcTest, AnImpossibleAlarmNeverComes) {
    set_alarm(0x3a, 0x00, 0x00);
    set(kRegisterB, kBcd24 | kAie);
    time.advance(2 * 86'400 * kSecond);
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(get(kRegisterC) & kAf, 0);
}

TEST_F(RtcTest, AlarmComesWhenTheHostsClockIsSetPastIt) {
    set_alarm(0x15, 0x00, 0x00);
    set(kRegisterB, kBcd24 | kAie);
    time.set_wall_ns((kStart + 3 * 3600) * kSecond);
    time.advance(60 * kSecond);
    EXPECT_TRUE(irq.level);
}

TEST_F(RtcTest, NoAlarmWhileSet) {
    set_alarm(0xff, 0xff, 0xff);
    set(kRegisterB, kBcd24 | kAie | kSet);
    time.advance(10 * kSecond);
    EXPECT_FALSE(irq.level);
}

TEST_F(RtcTest, PeriodicRatesAreThoseOfTheTable) {
    constexpr double kRates[] = {256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2};
    for (u8 rate = 1; rate <= 15; ++rate) {
        set(kRegisterA, 0x20 | rate);
        set(kRegisterB, kBcd24 | kPie);
        (void)get(kRegisterC);
        double expected = kRates[rate - 1];
        u64 slice = static_cast<u64>(kSecond / expected / 8);
        u64 before = irq.rises, seen = before;
        for (int i = 0; i < 8 * 20; ++i) {
            time.advance(slice);
            EXPECT_EQ((get(kRegisterC) & (kPf | kIrqf)) == (kPf | kIrqf), irq.rises != seen) << int{rate};
            seen = irq.rises;
        }
        EXPECT_NEAR(static_cast<double>(irq.rises - before), 20, 1) << int{rate};
        set(kRegisterB, kBcd24);
    }
}

TEST_F(RtcTest, PeriodicRateZeroIsOff) {
    set(kRegisterA, 0x20);
    set(kRegisterB, kBcd24 | kPie);
    (void)get(kRegisterC);
    time.advance(10 * kSecond);
    EXPECT_FALSE(irq.level);
    EXPECT_EQ(get(kRegisterC) & kPf, 0);
}

TEST_F(RtcTest, PeriodicRunsWhileSet) {
    set(kRegisterB, kBcd24 | kPie | kSet);
    time.advance(2 * kMs);
    EXPECT_TRUE(irq.level);
}

}  // namespace
}  // namespace astra::vmm::test
