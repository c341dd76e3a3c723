// Tables and documents in the formats people ask for.
#pragma once
#include <string>
#include <vector>

namespace astra::cli {

struct Table {
    std::vector<std::string> header;
    std::vector<std::vector<std::string>> rows;  // each as long as the header
};

/// Columns padded to their widest entry, headers in capitals. Whatever could control a terminal becomes '?'.
[[nodiscard]] std::string to_text(const Table& table);
/// RFC 4180.
[[nodiscard]] std::string to_csv(const Table& table);
/// A JSON document as YAML 1.2 (block style; strings as JSON writes them).
[[nodiscard]] std::string to_yaml(const std::string& json);

/// "3s", "5m", "2h", "4d": how long `ns` nanoseconds are, roughly.
[[nodiscard]] std::string format_age(uint64_t ns);
/// "512 B", "1.5 KiB", "3.2 GiB".
[[nodiscard]] std::string format_bytes(uint64_t bytes);

}  // namespace astra::cli
