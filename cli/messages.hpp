// What astra itself says: lines on stderr, never on stdout.
#pragma once
#include <string_view>

#include "control_proto/error.hpp"

namespace astra::cli {

/// Exit statuses of `astra` that are not the program's own, as docker(1) and timeout(1) use them.
inline constexpr int kStatusTimedOut = 124;
inline constexpr int kStatusLauncher = 125;       // astra could not do it
inline constexpr int kStatusNotExecutable = 126;  // the program is there but cannot be run
inline constexpr int kStatusNotFound = 127;       // there is no such program in the guest

/// Writes a command's answer to stdout. Returns 0, or 1 (and says why) when it could not be written whole.
[[nodiscard]] int print(std::string_view text);
/// Writes "astra: LINE" to stderr as one write. Line ends are right for a raw terminal too.
void say(std::string_view line);
/// Writes text as it is (several lines are fine).
void say_plain(std::string_view text);
/// An error: its line, then its hint on a line of its own.
void say(const control::Error& error);

}  // namespace astra::cli
