// Wall-clock time from the MC146818 real-time clock (Motorola data sheet; century byte as on the PC/AT).
#include "guest_kernel/abi/machine.hpp"
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"

namespace astra::arch {

namespace {

enum Register : u8 {
    kSeconds = 0,
    kMinutes = 2,
    kHours = 4,
    kDay = 7,
    kMonth = 8,
    kYear = 9,
    kStatusA = 10,
    kStatusB = 11,
    kCentury = 0x32
};
constexpr u8 kUpdateInProgress = 0x80, kBinary = 0x04, k24Hours = 0x02, kAfternoon = 0x80;
constexpr int kPatience = 100'000;  // reads; an update takes at most 2 ms

u8 read(Register reg) {
    privileged::out8(abi::machine::kPortRtc, reg);
    return privileged::in8(abi::machine::kPortRtc + 1);
}

struct Reading {
    u8 seconds, minutes, hours, day, month, year, century;
    bool operator==(const Reading&) const = default;
};
Reading read_all() {
    for (int i = 0; i < kPatience && read(kStatusA) & kUpdateInProgress; i++) {}
    return {read(kSeconds), read(kMinutes), read(kHours),  read(kDay),
            read(kMonth),   read(kYear),    read(kCentury)};
}

/// Days since 1970-01-01 of a date in the Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms").
i64 days_from_civil(i64 year, u32 month, u32 day) {
    year -= month <= 2;
    i64 era = year / 400;
    u32 year_of_era = static_cast<u32>(year - era * 400);
    u32 day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    u32 day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + static_cast<i64>(day_of_era) - 719468;
}

}  // namespace

i64 read_rtc() {
    // Two equal readings: an update that began between the check and the last byte would show.
    Reading now = read_all(), again = read_all();
    for (int i = 0; i < 10 && !(now == again); i++) {
        now = again;
        again = read_all();
    }
    u8 format = read(kStatusB);
    auto decode = [format](u8 value) -> u32 {
        return format & kBinary ? value : (value >> 4) * 10 + (value & 15);
    };
    u32 hours = decode(now.hours & static_cast<u8>(~kAfternoon));
    if (!(format & k24Hours)) hours = hours % 12 + (now.hours & kAfternoon ? 12 : 0);
    u32 century = decode(now.century), year = decode(now.year);
    if (century < 19 || century > 29) century = 20;  // no century byte
    i64 days = days_from_civil(century * 100 + year, decode(now.month), decode(now.day));
    return ((days * 24 + hours) * 60 + decode(now.minutes)) * 60 + decode(now.seconds);
}

}  // namespace astra::arch
