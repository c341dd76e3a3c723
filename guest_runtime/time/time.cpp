// The clocks, and the calendar.
#include "guest_runtime/time/time.hpp"

#include "guest_runtime/fmt/formatter.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/time/vdso.hpp"

namespace astra::time {

namespace {
abi::TimeSpec time_of(int clock) {
    abi::TimeSpec now{};
    if (read_clock(clock, &now) < 0) panic("the kernel has no clock");
    return now;
}
constexpr i64 kNanos = 1'000'000'000;
}  // namespace

Instant Instant::now() {
    abi::TimeSpec t = time_of(sys::kClockMonotonic);
    return Instant(Duration(static_cast<u64>(t.sec), static_cast<u32>(t.nsec)));
}

SystemTime SystemTime::now() {
    abi::TimeSpec t = time_of(sys::kClockRealtime);
    return {t.sec, static_cast<u32>(t.nsec)};
}

io::Result<Duration> SystemTime::duration_since(SystemTime earlier) const {
    if (*this < earlier)
        return io::failure(io::ErrorKind::InvalidInput, "second time provided was later than self");
    i64 nanos = i64{nanos_} - earlier.nanos_;
    bool borrow = nanos < 0;
    return Duration(static_cast<u64>(seconds_) - static_cast<u64>(earlier.seconds_) - borrow,
                    static_cast<u32>(borrow ? nanos + kNanos : nanos));
}

SystemTime operator+(SystemTime t, Duration d) {
    i64 nanos = i64{t.nanos_} + d.subsec_nanos(), seconds = 0;
    if (__builtin_add_overflow(t.seconds_, d.as_secs(), &seconds) ||
        __builtin_add_overflow(seconds, nanos / kNanos, &seconds))
        panic("overflow when adding duration to time");
    return {seconds, static_cast<u32>(nanos % kNanos)};
}

SystemTime operator-(SystemTime t, Duration d) {
    i64 nanos = i64{t.nanos_} - d.subsec_nanos(), seconds = 0;
    if (__builtin_sub_overflow(t.seconds_, d.as_secs(), &seconds) ||
        __builtin_sub_overflow(seconds, nanos < 0, &seconds))
        panic("overflow when subtracting duration from time");
    return {seconds, static_cast<u32>(nanos < 0 ? nanos + kNanos : nanos)};
}

CivilTime to_civil(SystemTime t) {
    // Days to a date: years begin in March, so that the leap day is a year's last (Hinnant,
    // "chrono-Compatible Low-Level Date Algorithms").
    i64 days = t.seconds() / 86400, rest = t.seconds() % 86400;
    if (rest < 0) rest += 86400, days--;
    days += 719468;
    i64 era = (days >= 0 ? days : days - 146096) / 146097;
    i64 day_of_era = days - era * 146097;
    i64 year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    i64 day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    i64 month = (5 * day_of_year + 2) / 153;
    auto day = static_cast<u32>(day_of_year - (153 * month + 2) / 5 + 1);
    month += month < 10 ? 3 : -9;
    auto seconds = static_cast<u32>(rest);
    return {year + era * 400 + (month <= 2),
            static_cast<u32>(month),
            day,
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60};
}

void display(fmt::Formatter& out, SystemTime t) {
    CivilTime c = to_civil(t);
    out.print("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", c.year, c.month, c.day, c.hour, c.minute,
              c.second, t.nanos());
}

}  // namespace astra::time
