// Parsing units.
#include "cli/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

namespace astra::cli {
namespace {

struct Unit {
    std::string_view name;  // lower case; "" is the unit of a bare number
    double factor;
};

/// A non-negative number and a unit of `units`, as a multiple of the smallest. Nothing else.
template <size_t N>
std::optional<double> parse_quantity(std::string_view text, const std::array<Unit, N>& units) {
    double number = 0;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
    std::string unit(end, text.data() + text.size());
    std::ranges::transform(unit, unit.begin(), [](unsigned char c) { return std::tolower(c); });
    auto found = std::ranges::find(units, unit, &Unit::name);
    if (found == units.end()) return std::nullopt;
    return number * found->factor;
}

constexpr std::array kDurations{Unit{"", 1000}, Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000},
                                Unit{"h", 3'600'000}};
constexpr double kYearMs = 365.0 * 24 * 3'600'000;

constexpr double kKib = 1.0 / 1024;
constexpr std::array kSizes{Unit{"", 1},       Unit{"k", kKib},      Unit{"kb", kKib},
                            Unit{"kib", kKib}, Unit{"m", 1},         Unit{"mb", 1},
                            Unit{"mib", 1},    Unit{"g", 1024},      Unit{"gb", 1024},
                            Unit{"gib", 1024}, Unit{"t", 1048576.0}, Unit{"tib", 1048576.0}};
constexpr double kMaxMib = 1048576.0 * 16;  // 16 TiB: more than any host has, and no overflow anywhere

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    auto ms = parse_quantity(text, kDurations);
    if (!ms || *ms < 1 || *ms > kYearMs)
        return fail(Code::InvalidArgument, fmt::format("'{}' is not a duration", text),
                    "write 500ms, 10s, 2m or 1h");
    return std::chrono::milliseconds(static_cast<int64_t>(*ms));
}

Result<uint64_t> parse_memory_mib(std::string_view text) {
    auto mib = parse_quantity(text, kSizes);
    if (!mib || *mib <= 0 || *mib > kMaxMib)
        return fail(Code::InvalidArgument, fmt::format("'{}' is not an amount of memory", text),
                    "write 512M or 2G; a bare number is MiB");
    return static_cast<uint64_t>(std::ceil(*mib));
}

Result<std::string> parse_environment(const std::string& text) {
    if (text.empty() || text.starts_with('='))
        return fail(Code::InvalidArgument, fmt::format("'{}' does not name a variable", text),
                    "write -e NAME=value");
    if (text.find('=') != std::string::npos) return text;
    const char* value = std::getenv(text.c_str());
    return value ? text + "=" + value : std::string();
}

}  // namespace astra::cli
