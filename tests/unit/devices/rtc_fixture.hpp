// An RTC with the clock at a leap day's noon, and what the RTC tests do to it.
#pragma once
#include <gtest/gtest.h>

#include "tests/unit/devices/fakes.hpp"
#include "vmm/devices/rtc.hpp"

namespace astra::vmm::test {

inline constexpr u64 kMs = 1'000'000, kSecond = 1000 * kMs;
inline constexpr u8 kPie = 0x40, kAie = 0x20, kUie = 0x10, kSet = 0x80;
inline constexpr u8 kIrqf = 0x80, kPf = 0x40, kAf = 0x20, kUf = 0x10;
inline constexpr u8 kBcd24 = 0x02, kBinary24 = 0x06;
inline constexpr u64 kStart = 1'709'210'096;  // 2024-02-29 12:34:56 UTC, a Thursday

struct RtcTest : testing::Test {
    u8 get(u8 cell) {
        out(rtc, 0, cell);
        return in(rtc, 1);
    }
    void set(u8 cell, u8 value) {
        out(rtc, 0, cell);
        out(rtc, 1, value);
    }
    /// "20240229 123456 5": date, time and day of the week as the registers show them, in hexadecimal.
    std::string shown() {
        std::string text;
        for (u8 cell : {rtc::kCentury, rtc::kYear, rtc::kMonth, rtc::kDay, rtc::kHours, rtc::kMinutes,
                        rtc::kSeconds, rtc::kWeekday}) {
            if (cell == rtc::kHours || cell == rtc::kWeekday) text += ' ';
            u8 value = get(cell);
            if (cell != rtc::kWeekday) text += "0123456789abcdef"[value >> 4];
            text += "0123456789abcdef"[value & 15];
        }
        return text;
    }
    /// What a guest does to set the clock.
    void set_clock(u8 century, u8 year, u8 month, u8 day, u8 hour, u8 minute, u8 second, u8 weekday) {
        u8 b = get(rtc::kRegisterB);
        set(rtc::kRegisterB, b | kSet);
        set(rtc::kCentury, century), set(rtc::kYear, year), set(rtc::kMonth, month), set(rtc::kDay, day);
        set(rtc::kHours, hour), set(rtc::kMinutes, minute), set(rtc::kSeconds, second),
            set(rtc::kWeekday, weekday);
        set(rtc::kRegisterB, b);
    }
    void set_alarm(u8 hour, u8 minute, u8 second) {
        set(rtc::kHoursAlarm, hour), set(rtc::kMinutesAlarm, minute), set(rtc::kSecondsAlarm, second);
    }
    FakeTime time{kStart * kSecond};
    FakeIrq irq;
    Rtc rtc{irq, time, time.factory()};
};

}  // namespace astra::vmm::test
