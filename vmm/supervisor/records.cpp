// Records to JSON and back.
#include "vmm/supervisor/records.hpp"

#include <time.h>

namespace astra::vmm {
namespace {

using control::EngineChoice;
using control::KernelChoice;
using control::Outcome;
using nlohmann::json;

json spec_to_json(const control::LaunchSpec& spec) {
    json out{{"engine", static_cast<int>(spec.engine)},
             {"libvirt_uri", spec.libvirt_uri},
             {"machine", static_cast<int>(spec.machine)},
             {"kernel", static_cast<int>(spec.kernel.kind)},
             {"kernel_path", spec.kernel.path},
             {"cpus", spec.cpus},
             {"memory_mib", spec.memory_mib},
             {"image", spec.image},
             {"network", spec.network},
             {"ports", spec.ports},
             {"kernel_arguments", spec.kernel_arguments},
             {"arguments", spec.arguments},
             {"environment", spec.environment},
             {"workdir", spec.workdir},
             {"timing", spec.timing}};
    if (spec.terminal) out["terminal"] = {{"rows", spec.terminal->rows}, {"columns", spec.terminal->columns}};
    return out;
}

template <class Enum>
Enum checked(const json& value, Enum last) {
    int number = value.get<int>();
    if (number < 0 || number > static_cast<int>(last))
        throw std::invalid_argument("a value is out of range: " + std::to_string(number));
    return static_cast<Enum>(number);
}

control::LaunchSpec spec_from_json(const json& in) {
    control::LaunchSpec spec;
    spec.engine = checked(in.at("engine"), EngineChoice::Libvirt);
    // Records of older daemons lack these two.
    spec.libvirt_uri = in.value("libvirt_uri", std::string());
    spec.machine = checked(in.value("machine", json(0)), control::MachineType::Q35);
    spec.kernel.kind = checked(in.at("kernel"), KernelChoice::Kind::File);
    in.at("kernel_path").get_to(spec.kernel.path);
    in.at("cpus").get_to(spec.cpus);
    in.at("memory_mib").get_to(spec.memory_mib);
    in.at("image").get_to(spec.image);
    in.at("network").get_to(spec.network);
    in.at("ports").get_to(spec.ports);
    in.at("kernel_arguments").get_to(spec.kernel_arguments);
    in.at("arguments").get_to(spec.arguments);
    in.at("environment").get_to(spec.environment);
    in.at("workdir").get_to(spec.workdir);
    in.at("timing").get_to(spec.timing);
    if (in.contains("terminal"))
        spec.terminal = {.rows = in.at("terminal").at("rows"), .columns = in.at("terminal").at("columns")};
    return spec;
}

/// Parses `text` and hands it to `read`; whatever is missing or of the wrong type makes it corrupt.
template <class T, class Read>
Result<T> parse(const std::string& text, Read read) {
    try {
        json in = json::parse(text);
        if (in.at("version") != GuestRecord::kVersion)
            return fail(Code::Corrupt, "a record of another version: " + in.at("version").dump());
        return read(in);
    } catch (const std::exception& error) {
        return fail(Code::Corrupt, std::string("a damaged record: ") + error.what());
    }
}

}  // namespace

std::string to_json(const GuestRecord& record) {
    json out{{"version", GuestRecord::kVersion},
             {"id", record.id},
             {"name", record.name},
             {"request_id", record.request_id},
             {"labels", record.labels},
             {"spec", spec_to_json(record.spec)},
             {"created_unix_ns", record.created_unix_ns},
             {"started_unix_ns", record.started_unix_ns}};
    return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string to_json(const ExitRecord& record) {
    const Outcome& outcome = record.outcome;
    json out{{"version", GuestRecord::kVersion},
             {"kind", static_cast<int>(outcome.kind)},
             {"value", outcome.value},
             {"message", outcome.message},
             {"hint", outcome.hint},
             {"report", outcome.report},
             {"engine", outcome.engine},
             {"kernel", outcome.kernel},
             {"boot_ns", outcome.boot_ns},
             {"program_ns", outcome.program_ns},
             {"ended_unix_ns", record.ended_unix_ns}};
    return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<GuestRecord> parse_guest_record(const std::string& text) {
    return parse<GuestRecord>(text, [](const json& in) {
        GuestRecord record;
        in.at("id").get_to(record.id);
        in.at("name").get_to(record.name);
        in.at("request_id").get_to(record.request_id);
        in.at("labels").get_to(record.labels);
        record.spec = spec_from_json(in.at("spec"));
        in.at("created_unix_ns").get_to(record.created_unix_ns);
        in.at("started_unix_ns").get_to(record.started_unix_ns);
        return record;
    });
}

Result<ExitRecord> parse_exit_record(const std::string& text) {
    return parse<ExitRecord>(text, [](const json& in) {
        ExitRecord record;
        record.outcome.kind = checked(in.at("kind"), Outcome::Kind::Lost);
        in.at("value").get_to(record.outcome.value);
        in.at("message").get_to(record.outcome.message);
        in.at("hint").get_to(record.outcome.hint);
        in.at("report").get_to(record.outcome.report);
        in.at("engine").get_to(record.outcome.engine);
        in.at("kernel").get_to(record.outcome.kernel);
        in.at("boot_ns").get_to(record.outcome.boot_ns);
        in.at("program_ns").get_to(record.outcome.program_ns);
        in.at("ended_unix_ns").get_to(record.ended_unix_ns);
        return record;
    });
}

u64 unix_ns() {
    timespec now;
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

}  // namespace astra::vmm
