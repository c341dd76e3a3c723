// Conversions, each a table or a list of fields.
#include "vmm/daemon/service/convert.hpp"

#include <algorithm>
#include <array>

#include "control_proto/names.hpp"

namespace astra::vmm::daemon {
namespace {

using control::KernelChoice;
using control::name_in;
using control::Named;
using control::Outcome;

struct CodeName {
    Code code;
    grpc::StatusCode status;
    const char* reason;
};
constexpr std::array kCodes{
    CodeName{Code::InvalidArgument, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_ARGUMENT"},
    CodeName{Code::NotFound, grpc::StatusCode::NOT_FOUND, "NOT_FOUND"},
    CodeName{Code::PermissionDenied, grpc::StatusCode::PERMISSION_DENIED, "PERMISSION_DENIED"},
    CodeName{Code::Unavailable, grpc::StatusCode::UNAVAILABLE, "UNAVAILABLE"},
    CodeName{Code::ResourceExhausted, grpc::StatusCode::RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED"},
    CodeName{Code::Corrupt, grpc::StatusCode::DATA_LOSS, "CORRUPT"},
    CodeName{Code::Internal, grpc::StatusCode::INTERNAL, "INTERNAL"},
    CodeName{Code::AlreadyExists, grpc::StatusCode::ALREADY_EXISTS, "ALREADY_EXISTS"},
    CodeName{Code::FailedPrecondition, grpc::StatusCode::FAILED_PRECONDITION, "FAILED_PRECONDITION"},
    CodeName{Code::OutOfRange, grpc::StatusCode::OUT_OF_RANGE, "OUT_OF_RANGE"},
    CodeName{Code::DeadlineExceeded, grpc::StatusCode::DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"},
    CodeName{Code::Cancelled, grpc::StatusCode::CANCELLED, "CANCELLED"},
};

constexpr std::array kKernels{Named<KernelChoice::Kind>{"auto", KernelChoice::Kind::Auto},
                              Named<KernelChoice::Kind>{"isolated", KernelChoice::Kind::Isolated},
                              Named<KernelChoice::Kind>{"flat", KernelChoice::Kind::Flat}};

// The api's states and kinds are the core's, shifted by UNSPECIFIED.
constexpr std::array kStates{api::GUEST_STATE_CREATED, api::GUEST_STATE_STARTING, api::GUEST_STATE_RUNNING,
                             api::GUEST_STATE_PAUSED,  api::GUEST_STATE_ENDED,    api::GUEST_STATE_BROKEN};
constexpr std::array kKinds{api::Outcome::KIND_EXITED,       api::Outcome::KIND_SIGNALLED,
                            api::Outcome::KIND_SPAWN_FAILED, api::Outcome::KIND_PANICKED,
                            api::Outcome::KIND_KILLED,       api::Outcome::KIND_LOST};

api::GuestSpec to_api(const control::LaunchSpec& spec) {
    api::GuestSpec out;
    out.set_image(spec.image);
    out.mutable_arguments()->Assign(spec.arguments.begin(), spec.arguments.end());
    out.mutable_environment()->Assign(spec.environment.begin(), spec.environment.end());
    out.set_workdir(spec.workdir);
    out.set_cpus(spec.cpus);
    out.set_memory_bytes(spec.memory_mib << 20);
    out.set_engine(control::engine_text(spec));
    out.set_machine(std::string(name_in(control::kMachineNames, spec.machine)));
    bool file = spec.kernel.kind == KernelChoice::Kind::File;
    out.set_kernel(file ? spec.kernel.path : std::string(name_in(kKernels, spec.kernel.kind)));
    out.set_network(spec.network);
    out.mutable_ports()->Assign(spec.ports.begin(), spec.ports.end());
    out.set_kernel_arguments(spec.kernel_arguments);
    out.set_counts_only(!spec.timing);
    if (spec.terminal) {
        out.mutable_terminal()->set_rows(spec.terminal->rows);
        out.mutable_terminal()->set_columns(spec.terminal->columns);
    }
    return out;
}

/// Text that goes into a protobuf string must be UTF-8; a guest may say anything.
std::string utf8(const std::string& text) {
    std::string safe;
    for (char c : text) safe += static_cast<unsigned char>(c) < 0x80 ? c : '?';
    return safe;
}

}  // namespace

grpc::Status to_status(const Error& error) {
    auto row = std::ranges::find(kCodes, error.code, &CodeName::code);
    api::ErrorDetail detail;
    detail.set_reason(error.reason.empty() ? row->reason : error.reason);
    detail.set_hint(error.hint);
    api::StatusDetails status;
    status.set_code(row->status);
    status.set_message(error.message);
    auto* any = status.add_details();
    any->set_type_url("type.googleapis.com/astra.v1.ErrorDetail");
    any->set_value(detail.SerializeAsString());
    return {row->status, error.message, status.SerializeAsString()};
}

api::Outcome to_api(const Outcome& outcome) {
    api::Outcome out;
    out.set_kind(kKinds[static_cast<usize>(outcome.kind)]);
    out.set_value(outcome.value);
    out.set_message(utf8(outcome.message));
    out.set_hint(utf8(outcome.hint));
    out.set_report(utf8(outcome.report));
    return out;
}

api::Guest to_api(const GuestInfo& info) {
    api::Guest out;
    out.set_guest_id(info.record.id);
    out.set_name(info.record.name);
    for (const auto& [key, value] : info.record.labels) (*out.mutable_labels())[key] = value;
    *out.mutable_spec() = to_api(info.record.spec);
    out.set_state(kStates[static_cast<usize>(info.state)]);
    out.set_created_unix_ns(info.record.created_unix_ns);
    out.set_started_unix_ns(info.record.started_unix_ns);
    out.set_engine(info.engine);
    out.set_kernel_build(info.kernel);
    out.set_boot_ns(info.boot_ns);
    out.set_machine_pid(info.machine_pid);
    out.set_console_bytes(info.console_end);
    if (info.exit) {
        out.set_ended_unix_ns(info.exit->ended_unix_ns);
        out.set_program_ns(info.exit->outcome.program_ns);
        *out.mutable_outcome() = to_api(info.exit->outcome);
    }
    return out;
}

api::Process to_api(const GuestProcess& process) {
    // What the guest says may be any bytes; protobuf's strings are UTF-8.
    auto text = [](std::string bytes) {
        for (char& c : bytes)
            if (static_cast<u8>(c) >= 0x80) c = '?';
        return bytes;
    };
    api::Process out;
    out.set_pid(process.pid);
    out.set_parent_pid(process.parent);
    out.set_name(text(process.name));
    for (const std::string& argument : process.arguments) out.add_arguments(text(argument));
    out.set_state(text(std::string(1, process.state)));
    out.set_threads(process.threads);
    out.set_cpu_ns(process.cpu_ns);
    out.set_read_bytes(process.read_bytes);
    out.set_written_bytes(process.written_bytes);
    out.set_read_calls(process.read_calls);
    out.set_write_calls(process.write_calls);
    out.set_resident_bytes(process.resident_bytes);
    return out;
}

api::Image to_api(const ImageInfo& info) {
    api::Image out;
    out.set_image_id(info.image.sha256);
    out.mutable_names()->Assign(info.names.begin(), info.names.end());
    out.set_size_bytes(info.image.bytes);
    out.set_inodes(info.image.inodes);
    return out;
}

api::Event to_api(const Event& event) {
    api::Event out;
    out.set_sequence(event.sequence);
    out.set_unix_ns(event.unix_ns);
    out.set_kind(event.kind);
    out.set_guest_id(event.guest_id);
    out.set_guest_name(event.guest_name);
    out.set_detail(utf8(event.detail));
    return out;
}

api::Finding to_api(const control::Finding& finding) {
    constexpr std::array kLevels{api::Finding::LEVEL_GOOD, api::Finding::LEVEL_WARNING,
                                 api::Finding::LEVEL_BAD};
    api::Finding out;
    out.set_subject(finding.subject);
    out.set_level(kLevels[static_cast<usize>(finding.level)]);
    out.set_detail(finding.detail);
    out.set_hint(finding.hint);
    return out;
}

Result<control::LaunchSpec> from_api(const api::GuestSpec& in) {
    control::LaunchSpec spec;
    spec.image = in.image();
    spec.arguments.assign(in.arguments().begin(), in.arguments().end());
    spec.environment.assign(in.environment().begin(), in.environment().end());
    if (!in.workdir().empty()) spec.workdir = in.workdir();
    if (in.cpus() != 0) spec.cpus = in.cpus();
    if (in.memory_bytes() != 0) spec.memory_mib = ((in.memory_bytes() - 1) >> 20) + 1;
    if (!in.engine().empty())
        if (auto set = control::set_engine(spec, in.engine()); !set)
            return fail(set.error().code, set.error().message, set.error().hint, "BAD_ENGINE");
    if (!in.machine().empty()) TRY(control::set_machine(spec, in.machine()));
    if (!in.kernel().empty()) {
        auto kernel = std::ranges::find(kKernels, in.kernel(), [](const auto& row) { return row.name; });
        spec.kernel.kind = kernel == kKernels.end() ? KernelChoice::Kind::File : kernel->value;
        if (kernel == kKernels.end()) spec.kernel.path = in.kernel();
    }
    if (!in.network().empty()) spec.network = in.network();
    spec.ports.assign(in.ports().begin(), in.ports().end());
    spec.kernel_arguments = in.kernel_arguments();
    spec.timing = !in.counts_only();
    if (in.has_terminal()) {
        if (in.terminal().rows() > 0xffff || in.terminal().columns() > 0xffff)
            return fail(Code::InvalidArgument, "the terminal is too large",
                        "rows and columns are at most 65535");
        spec.terminal = {.rows = static_cast<uint16_t>(in.terminal().rows()),
                         .columns = static_cast<uint16_t>(in.terminal().columns())};
    }
    return spec;
}

}  // namespace astra::vmm::daemon
