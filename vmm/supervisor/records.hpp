// The durable records of a guest, as JSON.
#pragma once
#include <map>
#include <nlohmann/json.hpp>

#include "control_proto/launch.hpp"
#include "vmm/base/error.hpp"

namespace astra::vmm {

/// What the daemon notes down when a guest is created.
struct GuestRecord {
    static constexpr int kVersion = 1;
    std::string id;    // UUID
    std::string name;  // unique
    std::string request_id;
    std::map<std::string, std::string> labels;
    control::LaunchSpec spec;
    u64 created_unix_ns = 0;
    u64 started_unix_ns = 0;  // 0: was never started
};

/// What is left of a guest that has ended.
struct ExitRecord {
    control::Outcome outcome;  // without statistics: the counters are kept as they are
    u64 ended_unix_ns = 0;
};

[[nodiscard]] std::string to_json(const GuestRecord& record);
[[nodiscard]] std::string to_json(const ExitRecord& record);
/// Errors: Corrupt, naming what is wrong.
[[nodiscard]] Result<GuestRecord> parse_guest_record(const std::string& text);
[[nodiscard]] Result<ExitRecord> parse_exit_record(const std::string& text);

/// Nanoseconds since 1970 UTC.
[[nodiscard]] u64 unix_ns();

}  // namespace astra::vmm
