// RTC registers: BCD or binary, 12 or 24 hours.
#include "vmm/devices/rtc_registers.hpp"

#include <chrono>

namespace astra::vmm::rtc {
namespace {

constexpr u8 kPm = 0x80;
constexpr u8 kDontCare = 0xc0;
constexpr i64 kMinute = 60, kHour = 60 * kMinute, kDaySeconds = 24 * kHour;
constexpr int kThursday = 4;  // the epoch's day of the week, counted from Sunday

i64 modulo(i64 value, i64 divisor) { return (value % divisor + divisor) % divisor; }
i64 day_of(i64 second) { return (second - modulo(second, kDaySeconds)) / kDaySeconds; }
int weekday_of(i64 second) { return static_cast<int>(modulo(day_of(second) + kThursday, 7)); }

u8 encode(u8 format, i64 value) {
    return static_cast<u8>(format & kBinary ? value : value / 10 << 4 | value % 10);
}
i64 decode(u8 format, u8 cell) { return format & kBinary ? cell : (cell >> 4) * 10 + (cell & 15); }

u8 encode_hour(u8 format, i64 hour) {
    if (format & k24Hours) return encode(format, hour);
    i64 twelve = hour % 12 == 0 ? 12 : hour % 12;
    return encode(format, twelve) | (hour >= 12 ? kPm : 0);
}

i64 decode_hour(u8 format, u8 cell) {
    if (format & k24Hours) return decode(format, cell);
    return decode(format, cell & ~kPm) % 12 + (cell & kPm ? 12 : 0);
}

bool alarm_matches(u8 alarm, u8 cell) { return (alarm & kDontCare) == kDontCare || alarm == cell; }

}  // namespace

void store_time(Cells& cells, i64 second, int weekday_shift) {
    u8 format = cells[kRegisterB];
    i64 of_day = modulo(second, kDaySeconds);
    std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day_of(second)}}};
    i64 year = static_cast<int>(date.year());
    cells[kSeconds] = encode(format, of_day % kMinute);
    cells[kMinutes] = encode(format, of_day % kHour / kMinute);
    cells[kHours] = encode_hour(format, of_day / kHour);
    cells[kWeekday] = encode(format, (weekday_of(second) + weekday_shift) % 7 + 1);
    cells[kDay] = encode(format, static_cast<unsigned>(date.day()));
    cells[kMonth] = encode(format, static_cast<unsigned>(date.month()));
    cells[kYear] = encode(format, year % 100);
    cells[kCentury] = encode(format, year / 100);
}

i64 load_time(const Cells& cells) {
    u8 format = cells[kRegisterB];
    i64 year = decode(format, cells[kCentury]) * 100 + decode(format, cells[kYear]);
    i64 months = year * 12 + decode(format, cells[kMonth]) - 1;
    std::chrono::sys_days first{std::chrono::year{static_cast<int>(months / 12)} /
                                static_cast<int>(months % 12 + 1) / 1};
    i64 day = first.time_since_epoch().count() + decode(format, cells[kDay]) - 1;
    return day * kDaySeconds + decode_hour(format, cells[kHours]) * kHour +
           decode(format, cells[kMinutes]) * kMinute + decode(format, cells[kSeconds]);
}

int load_weekday_shift(const Cells& cells) {
    i64 shown = decode(cells[kRegisterB], cells[kWeekday]) - 1;
    return static_cast<int>(modulo(shown - weekday_of(load_time(cells)), 7));
}

std::optional<i64> next_alarm(const Cells& cells, i64 second) {
    u8 format = cells[kRegisterB];
    i64 end = second + kDaySeconds;
    for (i64 at = second + 1; at <= end;) {
        i64 of_day = modulo(at, kDaySeconds);
        if (!alarm_matches(cells[kHoursAlarm], encode_hour(format, of_day / kHour)))
            at += kHour - of_day % kHour;
        else if (!alarm_matches(cells[kMinutesAlarm], encode(format, of_day % kHour / kMinute)))
            at += kMinute - of_day % kMinute;
        else if (!alarm_matches(cells[kSecondsAlarm], encode(format, of_day % kMinute)))
            ++at;
        else
            return at;
    }
    return std::nullopt;
}

}  // namespace astra::vmm::rtc
