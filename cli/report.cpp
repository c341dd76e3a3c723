// Formatting.
#include "cli/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace astra::cli {
namespace {

std::string printable(const std::string& text) {
    std::string safe = text;
    std::ranges::replace_if(
        safe, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return safe;
}

void append_yaml(std::string& out, const nlohmann::ordered_json& value, size_t indent) {
    std::string pad(indent, ' ');
    if (value.is_object() && !value.empty()) {
        for (const auto& [key, member] : value.items()) {
            bool nested = member.is_structured() && !member.empty();
            out += pad + key + ":" + (nested ? "\n" : " ");
            append_yaml(out, member, nested ? indent + 2 : 0);
        }
    } else if (value.is_array() && !value.empty()) {
        for (const auto& member : value) {
            std::string inner;
            append_yaml(inner, member, indent + 2);
            bool nested = member.is_structured() && !member.empty();
            out +=
                pad + "- " + (nested ? inner.substr(indent + 2) : inner.substr(inner.find_first_not_of(' ')));
        }
    } else {
        out += pad + value.dump() + "\n";
    }
}

}  // namespace

std::string to_text(const Table& table) {
    std::vector<size_t> widths;
    for (const std::string& name : table.header) widths.push_back(name.size());
    for (const auto& row : table.rows)
        for (size_t i = 0; i < row.size(); i++) widths[i] = std::max(widths[i], row[i].size());
    std::string text;
    auto add = [&](const std::vector<std::string>& row) {
        std::string line;
        for (size_t i = 0; i < row.size(); i++) line += fmt::format("{:<{}}  ", printable(row[i]), widths[i]);
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    };
    std::vector<std::string> header = table.header;
    for (std::string& name : header) std::ranges::transform(name, name.begin(), ::toupper);
    add(header);
    std::ranges::for_each(table.rows, add);
    return text;
}

std::string to_csv(const Table& table) {
    std::string text;
    auto add = [&](const std::vector<std::string>& row) {
        for (size_t i = 0; i < row.size(); i++) {
            std::string field = row[i];
            if (field.find_first_of(",\"\r\n") != field.npos) {
                for (size_t at = 0; (at = field.find('"', at)) != field.npos; at += 2)
                    field.insert(at, 1, '"');
                field = "\"" + field + "\"";
            }
            text += (i ? "," : "") + field;
        }
        text += "\r\n";
    };
    add(table.header);
    std::ranges::for_each(table.rows, add);
    return text;
}

std::string to_yaml(const std::string& json) {
    std::string out;
    append_yaml(out, nlohmann::ordered_json::parse(json), 0);
    return out;
}

std::string format_age(uint64_t ns) {
    struct Unit {
        uint64_t seconds;
        const char* name;
    };
    uint64_t seconds = ns / 1'000'000'000;
    for (Unit unit : {Unit{86400, "d"}, Unit{3600, "h"}, Unit{60, "m"}})
        if (seconds >= 2 * unit.seconds) return fmt::format("{}{}", seconds / unit.seconds, unit.name);
    return fmt::format("{}s", seconds);
}

std::string format_bytes(uint64_t bytes) {
    constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    auto value = static_cast<double>(bytes);
    for (; value >= 1024 && unit + 1 < kUnits.size(); unit++) value /= 1024;
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace astra::cli
