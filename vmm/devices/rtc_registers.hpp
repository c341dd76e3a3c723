// The time and alarm registers of an MC146818: how they encode a date, and when an alarm is due. Pure
// functions. Source: Motorola MC146818A data sheet (ADI1026), "Time, calendar, and alarm locations".
#pragma once
#include <array>
#include <optional>

#include "guest_kernel/base/types.hpp"

namespace astra::vmm::rtc {

inline constexpr usize kCells = 128;
using Cells = std::array<u8, kCells>;

enum Cell : u8 {
    kSeconds = 0,
    kSecondsAlarm = 1,
    kMinutes = 2,
    kMinutesAlarm = 3,
    kHours = 4,
    kHoursAlarm = 5,
    kWeekday = 6,  // 1 = Sunday
    kDay = 7,
    kMonth = 8,
    kYear = 9,  // of the century
    kRegisterA = 0x0a,
    kRegisterB = 0x0b,
    kRegisterC = 0x0c,
    kRegisterD = 0x0d,
    kCentury = 0x32,  // where the PC/AT's successors keep it
};
/// Whether `cell` is part of the time (alarms are not).
constexpr bool is_time(u8 cell) {
    return cell == kCentury || (cell <= kYear && (cell % 2 == 0 || cell >= kDay));
}

/// Bits of register B that say how the registers hold numbers.
enum Format : u8 { k24Hours = 0x02, kBinary = 0x04 };

/// Writes the time registers for `second` (since the epoch, UTC) in the format of `cells[kRegisterB]`.
/// `weekday_shift` is added to the calendar's day of the week.
void store_time(Cells& cells, i64 second, int weekday_shift);
/// The second the time registers name. Values outside their range carry over, as in "31 February".
[[nodiscard]] i64 load_time(const Cells& cells);
/// What the day-of-week register differs from the calendar's by, 0…6.
[[nodiscard]] int load_weekday_shift(const Cells& cells);
/// The first second after `second` that the alarm registers match; none when they hold what no time has. A
/// register of 0xc0…0xff matches everything.
[[nodiscard]] std::optional<i64> next_alarm(const Cells& cells, i64 second);

}  // namespace astra::vmm::rtc
