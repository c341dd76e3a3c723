// Instant and SystemTime: the clocks.
#pragma once
#include "guest_runtime/io/error.hpp"
#include "guest_runtime/time/duration.hpp"

namespace astra::time {

/// A point on the monotonic clock (clock_gettime(2), CLOCK_MONOTONIC); only differences mean something.
///     auto start = Instant::now(); work(); println("took {:?}", start.elapsed());
class Instant {
  public:
    static Instant now();
    /// Zero when `earlier` is later.
    [[nodiscard]] Duration duration_since(Instant earlier) const {
        return since_boot_.saturating_sub(earlier.since_boot_);
    }
    [[nodiscard]] std::optional<Duration> checked_duration_since(Instant earlier) const {
        return since_boot_.checked_sub(earlier.since_boot_);
    }
    /// Time since this instant.
    [[nodiscard]] Duration elapsed() const { return now().duration_since(*this); }
    friend Instant operator+(Instant i, Duration d) { return Instant(i.since_boot_ + d); }
    friend Instant operator-(Instant i, Duration d) { return Instant(i.since_boot_ - d); }
    friend Duration operator-(Instant a, Instant b) { return a.duration_since(b); }
    friend auto operator<=>(const Instant&, const Instant&) = default;

  private:
    explicit Instant(Duration d) : since_boot_(d) {}
    Duration since_boot_;
};

/// A point of wall-clock time (CLOCK_REALTIME): seconds and nanoseconds since 1970-01-01 00:00 UTC, maybe
/// before.
class SystemTime {
  public:
    constexpr SystemTime() = default;
    /// `nanos` below a second counts forward from `seconds` (struct timespec).
    constexpr SystemTime(i64 seconds, u32 nanos) : seconds_(seconds), nanos_(nanos) {}
    static SystemTime now();
    /// InvalidInput when `earlier` is later.
    [[nodiscard]] io::Result<Duration> duration_since(SystemTime earlier) const;
    /// Time since this one; InvalidInput when the clock was set back before it.
    [[nodiscard]] io::Result<Duration> elapsed() const { return now().duration_since(*this); }
    [[nodiscard]] i64 seconds() const { return seconds_; }
    [[nodiscard]] u32 nanos() const { return nanos_; }
    friend SystemTime operator+(SystemTime t, Duration d);
    friend SystemTime operator-(SystemTime t, Duration d);
    friend auto operator<=>(const SystemTime&, const SystemTime&) = default;

  private:
    i64 seconds_ = 0;
    u32 nanos_ = 0;
};

inline constexpr SystemTime UNIX_EPOCH{};

/// Year, month 1–12, day 1–31, hour, minute, second: UTC in the Gregorian calendar.
struct CivilTime {
    i64 year;
    u32 month, day, hour, minute, second;
};
CivilTime to_civil(SystemTime t);

/// "2026-01-01T12:00:00.000000000Z" (RFC 3339).
void display(fmt::Formatter& out, SystemTime t);

}  // namespace astra::time
