// A run's outcome and statistics, as JSON and as a table.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "control_proto/launch.hpp"

namespace astra::cli {

enum class Format { Table, Json };

/// "0 ns", "850 ns", "1.25 µs", "3.40 ms", "2.10 s": four significant places at most.
[[nodiscard]] std::string format_time(uint64_t ns);

/// The whole outcome: how the program ended, engine, kernel, times, every counter. Times are nanoseconds.
[[nodiscard]] nlohmann::json to_json(const control::Outcome& outcome, int status);

/// One row per system call, then unknown numbers, then the other counters that are not zero. Ends with a
/// newline.
[[nodiscard]] std::string to_table(const control::Statistics& statistics);

}  // namespace astra::cli
