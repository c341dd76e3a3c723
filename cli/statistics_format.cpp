// Formatting statistics.
#include "cli/statistics_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace astra::cli {
namespace {

using control::Outcome;
using control::Statistics;
using nlohmann::json;

const char* kind_name(Outcome::Kind kind) {
    switch (kind) {
        case Outcome::Kind::Exited: return "exited";
        case Outcome::Kind::Signalled: return "signalled";
        case Outcome::Kind::SpawnFailed: return "spawn_failed";
        case Outcome::Kind::Panicked: return "panicked";
        case Outcome::Kind::Killed: return "killed";
        case Outcome::Kind::Lost: return "lost";
    }
    return "lost";
}

json to_json(const Statistics& statistics) {
    json syscalls = json::array(), unknown = json::array(), counters = json::object();
    for (const auto& row : statistics.syscalls)
        syscalls.push_back({{"name", row.name},
                            {"calls", row.calls},
                            {"errors", row.errors},
                            {"total_ns", row.total_ns},
                            {"mean_ns", row.mean_ns},
                            {"p50_ns", row.p50_ns},
                            {"p99_ns", row.p99_ns},
                            {"max_ns", row.max_ns},
                            {"blocked_ns", row.blocked_ns}});
    for (const auto& row : statistics.unknown)
        unknown.push_back({{"number", row.number}, {"calls", row.calls}});
    for (const auto& counter : statistics.counters) counters[counter.name] = counter.value;
    return {{"syscalls", syscalls}, {"unknown_syscalls", unknown}, {"counters", counters}};
}

std::string row_text(std::string_view name, const std::array<std::string, 8>& cells) {
    std::string text = fmt::format("{:<20}", name);
    // Width in columns: the one character wider in bytes than on the screen is the µ of microseconds.
    for (const std::string& cell : cells) {
        size_t columns = cell.size() - static_cast<size_t>(std::ranges::count(cell, '\xc2'));
        text += std::string(columns < 11 ? 11 - columns : 1, ' ') + cell;
    }
    return text + "\n";
}

}  // namespace

std::string format_time(uint64_t ns) {
    struct Unit {
        const char* name;
        double ns;
    };
    constexpr std::array kUnits{Unit{"s", 1e9}, Unit{"ms", 1e6}, Unit{"µs", 1e3}};
    for (const Unit& unit : kUnits) {
        double value = static_cast<double>(ns) / unit.ns;
        if (value >= 1) return fmt::format("{:.{}f} {}", value, value < 100 ? 2 : 1, unit.name);
    }
    return fmt::format("{} ns", ns);
}

json to_json(const Outcome& outcome, int status) {
    json result{{"result", kind_name(outcome.kind)}, {"exit_status", status},
                {"engine", outcome.engine},          {"kernel", outcome.kernel},
                {"boot_ns", outcome.boot_ns},        {"program_ns", outcome.program_ns}};
    if (outcome.kind == Outcome::Kind::Signalled) result["signal"] = outcome.value;
    if (!outcome.message.empty()) result["message"] = outcome.message;
    result["statistics"] = outcome.statistics ? to_json(*outcome.statistics) : json(nullptr);
    return result;
}

std::string to_table(const Statistics& statistics) {
    std::string text =
        row_text("syscall", {"calls", "errors", "total", "mean", "p50", "p99", "max", "blocked"});
    for (const auto& row : statistics.syscalls)
        text += row_text(row.name,
                         {fmt::to_string(row.calls), fmt::to_string(row.errors), format_time(row.total_ns),
                          format_time(row.mean_ns), format_time(row.p50_ns), format_time(row.p99_ns),
                          format_time(row.max_ns), format_time(row.blocked_ns)});
    for (const auto& row : statistics.unknown)
        text += fmt::format("{:<20}{:>11}  not implemented (ENOSYS)\n",
                            fmt::format("syscall #{}", row.number), row.calls);
    for (const auto& counter : statistics.counters) {
        if (counter.value == 0) continue;
        bool time = counter.name.ends_with("_ns");
        std::string name = time ? counter.name.substr(0, counter.name.size() - 3) : counter.name;
        std::ranges::replace(name, '_', ' ');
        text += fmt::format("{:<20}{:>11}\n", name,
                            time ? format_time(counter.value) : fmt::to_string(counter.value));
    }
    return text;
}

}  // namespace astra::cli
