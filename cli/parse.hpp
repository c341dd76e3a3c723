// The units people write on a command line.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "control_proto/error.hpp"

namespace astra::cli {

using control::Code;
using control::Error;
using control::fail;
using control::Result;

/// "500ms", "10s", "2m", "1h"; a bare number is seconds, fractions are fine ("0.5"). More than zero, at most
/// a year.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "512M", "2G", "1024MiB"; a bare number is MiB. Yields whole MiB (K rounds up).
[[nodiscard]] Result<uint64_t> parse_memory_mib(std::string_view text);

/// An argument of -e: "NAME=value" as it is, "NAME" with this process's value ("" when it has none: leave it
/// out).
[[nodiscard]] Result<std::string> parse_environment(const std::string& text);

}  // namespace astra::cli
