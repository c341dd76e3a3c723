// A span of time in nanoseconds, as Rust's std::time::Duration.
#pragma once
#include <compare>
#include <optional>

#include "guest_kernel/base/result.hpp"
#include "guest_runtime/os/panic.hpp"

namespace astra::fmt {
class Formatter;
}

namespace astra::time {

/// Whole seconds (64 bits) and nanoseconds below one second. Never negative. Arithmetic that overflows
/// panics; the checked_ and saturating_ forms do not.
class Duration {
  public:
    constexpr Duration() = default;
    /// `nanos` may be a second or more: it carries.
    constexpr Duration(u64 seconds, u32 nanos) : secs_(seconds + nanos / kNanos), nanos_(nanos % kNanos) {
        if (secs_ < seconds) panic("overflow in Duration");
    }
    static constexpr Duration from_secs(u64 s) { return {s, 0}; }
    static constexpr Duration from_millis(u64 ms) {
        return {ms / 1000, static_cast<u32>(ms % 1000) * 1'000'000};
    }
    static constexpr Duration from_micros(u64 us) {
        return {us / 1'000'000, static_cast<u32>(us % 1'000'000) * 1000};
    }
    static constexpr Duration from_nanos(u64 ns) { return {ns / kNanos, static_cast<u32>(ns % kNanos)}; }
    /// Panics when `s` is negative, not finite or too large.
    static constexpr Duration from_secs_f64(double s) {
        if (!(s >= 0 && s < 18446744073709551616.0)) panic("a Duration cannot hold these seconds");
        u64 whole = static_cast<u64>(s);
        return {whole, static_cast<u32>((s - static_cast<double>(whole)) * kNanos + 0.5)};
    }
    static constexpr Duration max() { return {~u64{0}, kNanos - 1}; }

    [[nodiscard]] constexpr bool is_zero() const { return secs_ == 0 && nanos_ == 0; }
    [[nodiscard]] constexpr u64 as_secs() const { return secs_; }
    [[nodiscard]] constexpr u32 subsec_nanos() const { return nanos_; }
    [[nodiscard]] constexpr u32 subsec_micros() const { return nanos_ / 1000; }
    [[nodiscard]] constexpr u32 subsec_millis() const { return nanos_ / 1'000'000; }
    /// Wrap after 585 million, 585 thousand and 584 years.
    [[nodiscard]] constexpr u64 as_millis() const { return secs_ * 1000 + subsec_millis(); }
    [[nodiscard]] constexpr u64 as_micros() const { return secs_ * 1'000'000 + subsec_micros(); }
    [[nodiscard]] constexpr u64 as_nanos() const { return secs_ * kNanos + nanos_; }
    [[nodiscard]] constexpr double as_secs_f64() const {
        return static_cast<double>(secs_) + static_cast<double>(nanos_) / kNanos;
    }

    [[nodiscard]] constexpr std::optional<Duration> checked_add(Duration o) const {
        u32 nanos = nanos_ + o.nanos_;
        u64 secs = 0;
        if (__builtin_add_overflow(secs_, o.secs_, &secs) ||
            __builtin_add_overflow(secs, nanos / kNanos, &secs))
            return {};
        return Duration(secs, nanos % kNanos);
    }
    [[nodiscard]] constexpr std::optional<Duration> checked_sub(Duration o) const {
        if (*this < o) return {};
        bool borrow = nanos_ < o.nanos_;
        return Duration(secs_ - o.secs_ - borrow, nanos_ + (borrow ? kNanos : 0) - o.nanos_);
    }
    [[nodiscard]] constexpr std::optional<Duration> checked_mul(u32 n) const {
        u64 nanos = u64{nanos_} * n, secs = 0;
        if (__builtin_mul_overflow(secs_, u64{n}, &secs) ||
            __builtin_add_overflow(secs, nanos / kNanos, &secs))
            return {};
        return Duration(secs, static_cast<u32>(nanos % kNanos));
    }
    [[nodiscard]] constexpr Duration saturating_add(Duration o) const {
        return checked_add(o).value_or(max());
    }
    [[nodiscard]] constexpr Duration saturating_sub(Duration o) const {
        return checked_sub(o).value_or(Duration());
    }

    friend constexpr Duration operator+(Duration a, Duration b) { return some(a.checked_add(b)); }
    friend constexpr Duration operator-(Duration a, Duration b) { return some(a.checked_sub(b)); }
    friend constexpr Duration operator*(Duration a, u32 n) { return some(a.checked_mul(n)); }
    /// Panics for n == 0.
    friend constexpr Duration operator/(Duration a, u32 n) {
        if (n == 0) panic("a Duration was divided by zero");
        u64 rest = a.secs_ % n * kNanos + a.nanos_;
        return Duration(a.secs_ / n, 0) + from_nanos(rest / n);
    }
    constexpr Duration& operator+=(Duration o) { return *this = *this + o; }
    constexpr Duration& operator-=(Duration o) { return *this = *this - o; }
    friend constexpr auto operator<=>(const Duration&, const Duration&) = default;

  private:
    static constexpr u32 kNanos = 1'000'000'000;
    static constexpr Duration some(std::optional<Duration> d) {
        if (!d) panic("overflow in Duration");
        return *d;
    }
    u64 secs_ = 0;
    u32 nanos_ = 0;
};

/// As Rust's {:?}: "1.5s", "10ms", "2.000001ms", "42ns"; `{:.2}` fixes the digits after the point.
void display(fmt::Formatter& out, Duration d);

}  // namespace astra::time
