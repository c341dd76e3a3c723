// Connecting and reporting.
#include "cli/remote/remote_command.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <string.h>

#include <algorithm>
#include <array>

#include "cli/messages.hpp"
#include "cli/parse.hpp"

namespace astra::cli {
namespace {

constexpr int kStatusFailed = 1, kStatusNoDaemon = 3, kStatusLate = 5, kStatusMissing = 6;

}  // namespace

CLI::App* RemoteCommand::describe(CLI::App& app) {
    CLI::App* command = app.add_subcommand(name_, help_);
    command->footer(
        "Exit status: 0, 1 it failed, 2 bad usage, 3 no daemon answers, 5 timed out, 6 not found.");
    command
        ->add_option("--host", host_,
                     "the daemon's address: a socket's path (default $ASTRA_HOST, or the usual)")
        ->type_name("ADDRESS");
    command->add_option("--timeout", timeout_, "give up after this long, as 10s or 2m (default 30s)")
        ->type_name("DURATION");
    add_options(*command);
    return command;
}

void RemoteCommand::add_format(CLI::App& command) {
    command.add_option("-o,--output", format_, "table, json, yaml or csv")
        ->check(CLI::IsMember({"table", "json", "yaml", "csv"}).description(""))
        ->type_name("FORMAT");
}

int RemoteCommand::run(control::Client&) {
    auto status = [&]() -> Result<int> {
        if (!timeout_.empty()) patience_ = TRY(parse_duration(timeout_));
        if (forwards_signals()) signals_.emplace();
        auto remote = TRY(Remote::connect(host_.empty() ? control::default_address() : host_));
        return work(*remote);
    }();
    if (status) return *status;
    say(status.error());
    return status_of(status.error());
}

int RemoteCommand::report(const google::protobuf::Message& message, const Table& table) const {
    if (format_ == "table") return print(to_text(table));
    if (format_ == "csv") return print(to_csv(table));
    google::protobuf::util::JsonPrintOptions options;
    options.add_whitespace = true;
    options.always_print_primitive_fields = true;
    options.preserve_proto_field_names = true;
    std::string json;
    if (auto made = google::protobuf::util::MessageToJsonString(message, &json, options); !made.ok()) {
        say(made.ToString());
        return kStatusFailed;
    }
    return print(format_ == "json" ? json : to_yaml(json));
}

int status_of(const control::Error& error) {
    switch (error.code) {
        case Code::Unavailable: return kStatusNoDaemon;
        case Code::DeadlineExceeded: return kStatusLate;
        case Code::NotFound: return kStatusMissing;
        default: return kStatusFailed;
    }
}

int status_of(v1::Outcome::Kind kind, int value) {
    switch (kind) {
        case v1::Outcome::KIND_EXITED: return value;
        case v1::Outcome::KIND_SIGNALLED: return 128 + value;
        case v1::Outcome::KIND_SPAWN_FAILED: return value == ENOENT ? kStatusNotFound : kStatusNotExecutable;
        case v1::Outcome::KIND_KILLED: return 128 + 9;
        default: return kStatusLauncher;
    }
}

std::string state_name(v1::GuestState state) {
    constexpr std::array kNames{"unknown", "created", "starting", "running", "paused", "ended", "broken"};
    return kNames[std::min<size_t>(static_cast<size_t>(state), kNames.size() - 1)];
}

std::string outcome_text(const v1::Guest& guest) {
    if (!guest.has_outcome()) return "";
    const v1::Outcome& outcome = guest.outcome();
    switch (outcome.kind()) {
        case v1::Outcome::KIND_EXITED: return fmt::format("exited {}", outcome.value());
        case v1::Outcome::KIND_SIGNALLED:
            return fmt::format("signal {} ({})", outcome.value(), ::strsignal(outcome.value()));
        default: return outcome.message();
    }
}

}  // namespace astra::cli
