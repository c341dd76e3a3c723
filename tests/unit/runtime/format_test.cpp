// Formatting agrees with Rust's std::fmt, and floating point with the C library's exact conversions.
#include "guest_runtime/fmt/format.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "guest_runtime/time/time.hpp"

namespace astra {
namespace {

template <class... A>
std::string text(fmt::Format<A...> f, const A&... a) {
    return std::string(unwrap(format<A...>(f, a...)).view());
}

TEST(Format, Integers) {
    EXPECT_EQ(text("{} {} {}", 0, -5, ~0ull), "0 -5 18446744073709551615");
    EXPECT_EQ(text("{}", INT64_MIN), "-9223372036854775808");
    EXPECT_EQ(text("[{:5}] [{:<5}] [{:^5}] [{:05}]", 42, 42, 42, -42), "[   42] [42   ] [ 42  ] [-0042]");
    EXPECT_EQ(text("{:x} {:X} {:#x} {:#010x} {:#b} {:o}", 255, 255, 255, 255, 5, 8),
              "ff FF 0xff 0x000000ff 0b101 10");
    EXPECT_EQ(text("{:x}", -1), "ffffffffffffffff");
    EXPECT_EQ(text("{:+} {:*>6}", 7, 7), "+7 *****7");
}

TEST(Format, TextAndOthers) {
    EXPECT_EQ(text("{} {:?} {:?}", "a", "a\n\"b\"", 'c'), "a \"a\\n\\\"b\\\"\" 'c'");
    EXPECT_EQ(text("[{:>4}] [{:4}] [{:-^5}] [{:.2}]", "ab", "ab", "x", "abcd"), "[  ab] [ab  ] [--x--] [ab]");
    EXPECT_EQ(text("[{:4}]", "äö"), "[äö  ]");
    EXPECT_EQ(text("{} {{}} {}", true, false), "true {} false");
    EXPECT_EQ(text("{1} {0} {1}", 1, 2), "2 1 2");
    EXPECT_EQ(text("{}", io::Error(Errno::kENOENT)), "No such file or directory (os error 2)");
}

TEST(Format, Floats) {
    EXPECT_EQ(text("{} {:?} {} {}", 1.0, 1.0, 0.1 + 0.2, -1.5), "1 1.0 0.30000000000000004 -1.5");
    EXPECT_EQ(text("{:.0} {:.0} {:.0} {:.2} {:8.3}|", 0.5, 1.5, 2.5, 1.005, 3.14159), "0 2 2 1.00    3.142|");
    EXPECT_EQ(text("{:.1} {:.1} {:.3}", 0.05, 0.95, 0.0004), "0.1 0.9 0.000");
    EXPECT_EQ(text("{} {:e} {:e}", 1e21, 1234.5, 5e-324), "1000000000000000000000 1.2345e3 5e-324");
    EXPECT_EQ(text("{} {} {}", 1.0 / 0.0, -1.0 / 0.0, __builtin_nan("")), "inf -inf NaN");
    EXPECT_EQ(text("{} {}", 0.0, 9007199254740993.0), "0 9007199254740992");
}

TEST(Format, FloatsReadBackAndAreShortest) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 20000; i++) {
        double value = std::bit_cast<double>(random());
        if (!(value == value) || value - value != 0) continue;
        std::string shown = text("{:e}", value);
        ASSERT_EQ(std::strtod(shown.c_str(), nullptr), value) << shown;
        char exact[64];
        int digits = 0;
        for (int precision = 0; precision < 18; precision++) {
            std::snprintf(exact, sizeof exact, "%.*e", precision, value);
            digits = precision + 1;
            if (std::strtod(exact, nullptr) == value) break;
        }
        int mine = 0;
        for (char c : shown.substr(0, shown.find('e'))) mine += c >= '0' && c <= '9';
        ASSERT_LE(mine, digits) << shown << " " << exact;
    }
}

TEST(Format, FixedPrecisionIsTheCLibrarys) {
    std::mt19937_64 random(8);
    std::uniform_real_distribution<double> range(-1e6, 1e6);
    for (int i = 0; i < 20000; i++) {
        double value = range(random) / static_cast<double>(1 + i % 1000 * 1000);
        char wanted[400];
        std::snprintf(wanted, sizeof wanted, "%.3f", value);
        ASSERT_EQ(text("{:.3}", value), wanted);
    }
    for (double value : {0.125, 0.375, 2.5, 1e300, 123456789.5, 0.0009765625}) {
        char wanted[400];
        std::snprintf(wanted, sizeof wanted, "%.2f", value);
        EXPECT_EQ(text("{:.2}", value), wanted);
    }
}

TEST(Format, Durations) {
    using time::Duration;
    EXPECT_EQ(text("{}", Duration::from_millis(1500)), "1.5s");
    EXPECT_EQ(text("{}", Duration::from_nanos(2000001)), "2.000001ms");
    EXPECT_EQ(text("{:.1}", Duration::from_micros(2960)), "3.0ms");
    EXPECT_EQ(text("{} {}", Duration::from_nanos(42), Duration()), "42ns 0ns");
    EXPECT_EQ(text("{}", Duration::from_micros(7)), "7µs");
    EXPECT_EQ(text("{:.3}", Duration::from_secs(3)), "3.000s");
}

TEST(Duration, Arithmetic) {
    using time::Duration;
    EXPECT_EQ(Duration(1, 1'500'000'000), Duration::from_millis(2500));
    EXPECT_EQ(Duration::from_millis(2500) - Duration::from_millis(600), Duration::from_millis(1900));
    EXPECT_FALSE(Duration::from_secs(1).checked_sub(Duration::from_secs(2)));
    EXPECT_FALSE(Duration::max().checked_add(Duration::from_nanos(1)));
    EXPECT_EQ(Duration::from_secs(10) / 4, Duration::from_millis(2500));
    EXPECT_EQ(Duration::from_millis(750) * 3, Duration::from_millis(2250));
    EXPECT_EQ(Duration::from_secs_f64(2.5).as_millis(), 2500u);
    EXPECT_DEATH(Duration::from_secs(1) - Duration::from_secs(2), "overflow in Duration");
}

TEST(SystemTime, Calendar) {
    using time::SystemTime;
    EXPECT_EQ(text("{}", time::UNIX_EPOCH), "1970-01-01T00:00:00.000000000Z");
    EXPECT_EQ(text("{}", SystemTime(951827696, 5)), "2000-02-29T12:34:56.000000005Z");
    EXPECT_EQ(text("{}", SystemTime(-1, 0)), "1969-12-31T23:59:59.000000000Z");
    for (i64 day = -200000; day < 200000; day += 17) {
        time_t seconds = day * 86400 + 12345;
        struct tm wanted;
        gmtime_r(&seconds, &wanted);
        auto c = time::to_civil(SystemTime(seconds, 0));
        ASSERT_EQ(c.year, wanted.tm_year + 1900);
        ASSERT_EQ(c.month, static_cast<u32>(wanted.tm_mon + 1));
        ASSERT_EQ(c.day, static_cast<u32>(wanted.tm_mday));
    }
    auto span = SystemTime(10, 5).duration_since(SystemTime(8, 900'000'000));
    ASSERT_TRUE(span);
    EXPECT_EQ(*span, time::Duration(1, 100'000'005));
    EXPECT_FALSE(SystemTime(1, 0).duration_since(SystemTime(2, 0)));
}

}  // namespace
}  // namespace astra
