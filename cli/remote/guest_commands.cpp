// launch, ps, info, wait, stop, kill, pause, resume, rm: guests of the daemon.
#include <fmt/format.h>

#include <algorithm>

#include "cli/messages.hpp"
#include "cli/parse.hpp"
#include "cli/progress.hpp"
#include "cli/remote/remote_command.hpp"
#include "cli/statistics_format.hpp"
#include "control_proto/names.hpp"

namespace astra::cli {
namespace {

using Stub = v1::Guests::Stub;

Table guest_table(const google::protobuf::RepeatedPtrField<v1::Guest>& guests) {
    auto now = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                         std::chrono::system_clock::now().time_since_epoch())
                                         .count());
    Table table{.header = {"name", "id", "state", "engine", "age", "program", "end"}, .rows = {}};
    for (const v1::Guest& guest : guests) {
        std::string program;
        for (const std::string& word : guest.spec().arguments())
            program += (program.empty() ? "" : " ") + word;
        if (program.size() > 40) program = program.substr(0, 37) + "...";
        table.rows.push_back({guest.name(), guest.guest_id().substr(0, 8), state_name(guest.state()),
                              guest.engine(), format_age(now - std::min(now, guest.created_unix_ns())),
                              program, outcome_text(guest)});
    }
    return table;
}

class LaunchCommand : public RemoteCommand {
  public:
    LaunchCommand() : RemoteCommand("launch", "start a guest in the daemon and return") {}
    [[nodiscard]] bool takes_program() const override { return true; }
    void take_program(std::vector<std::string> words) override { program_ = std::move(words); }

  protected:
    void add_options(CLI::App& command) override {
        auto* spec = request_.mutable_spec();
        command.add_option("--name", *request_.mutable_name(), "its name (default: one is made up)");
        command.add_option("--rootfs", rootfs_, "archive that becomes the guest's root file system")
            ->type_name("TAR");
        command.add_option("--image", *spec->mutable_image(), "or: an image by name or id");
        command.add_option("--engine", *spec->mutable_engine(), control::kEngineHelp);
        command.add_option("--machine", *spec->mutable_machine(), control::kMachineHelp);
        command.add_option("--kernel", *spec->mutable_kernel(),
                           "auto, isolated, flat, or an ELF on the daemon's host");
        command.add_option("--cpus", cpus_, "virtual CPUs")->type_name("N");
        command.add_option("--memory", memory_, "guest memory, as 512M or 2G")->type_name("SIZE");
        command.add_option("-e,--env", environment_, "set a variable, or pass this process's own on")
            ->type_name("NAME[=VALUE]")
            ->type_size(1)
            ->allow_extra_args(false);
        command.add_option("--label", labels_, "a label to find it by")
            ->type_name("KEY=VALUE")
            ->type_size(1)
            ->allow_extra_args(false);
        command.add_option("--workdir", *spec->mutable_workdir(), "directory the program starts in");
        command.add_option("--net", *spec->mutable_network(),
                           "user, user,host-loopback, tap=NAME… or none (user)");
        command
            .add_option("-p,--publish", ports_, "have a port of the daemon's host lead to one of the guest's")
            ->type_name("[ADDR:]HOST:GUEST[/udp]")
            ->type_size(1)
            ->allow_extra_args(false);
        command.add_flag("-t,--tty", terminal_, "give the program a terminal");
        command.add_option("--append", *spec->mutable_kernel_arguments(),
                           "words for the guest kernel's command line");
        add_format(command);
    }
    Result<int> work(Remote& remote) override {
        TRY(complete());
        auto* spec = request_.mutable_spec();
        if (!rootfs_.empty()) {
            Progress progress;
            auto image = TRY(
                remote.import_image(rootfs_, "", [&](std::string_view stage, uint64_t done, uint64_t total) {
                    progress.show(stage, done, total);
                }));
            spec->set_image(image.image_id());
        }
        v1::ListGuestsResponse guests;
        *guests.add_guests() = TRY(Remote::call(*remote.guests, &Stub::Launch, request_, patience()));
        const v1::Guest& guest = guests.guests(0);
        if (int printed = report(guest, guest_table(guests.guests())); printed != 0) return printed;
        bool failed = guest.has_outcome() && guest.outcome().kind() != v1::Outcome::KIND_EXITED;
        if (failed) say(control::Error{Code::Internal, guest.outcome().message(), guest.outcome().hint()});
        return failed ? 1 : 0;
    }

  private:
    Result<void> complete() {
        auto* spec = request_.mutable_spec();
        if (program_.empty())
            return fail(Code::InvalidArgument, "no program to run",
                        "name one: astra launch --image NAME -- /bin/sh");
        if (rootfs_.empty() == spec->image().empty())
            return fail(Code::InvalidArgument, "a guest needs --rootfs or --image, one of them");
        spec->mutable_arguments()->Assign(program_.begin(), program_.end());
        spec->mutable_ports()->Assign(ports_.begin(), ports_.end());
        spec->set_cpus(cpus_);
        if (!memory_.empty()) spec->set_memory_bytes(TRY(parse_memory_mib(memory_)) << 20);
        for (const std::string& word : environment_)
            if (std::string entry = TRY(parse_environment(word)); !entry.empty())
                spec->add_environment(entry);
        for (const std::string& label : labels_) {
            size_t equals = label.find('=');
            if (equals == label.npos)
                return fail(Code::InvalidArgument, "--label is KEY=VALUE, not '" + label + "'");
            (*request_.mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
        }
        if (terminal_) {
            spec->mutable_terminal()->set_rows(24);
            spec->mutable_terminal()->set_columns(80);
        }
        return {};
    }

    v1::CreateGuestRequest request_;
    std::vector<std::string> program_, environment_, labels_, ports_;
    std::string rootfs_, memory_;
    unsigned cpus_ = 1;
    bool terminal_ = false;
};

Table process_table(const v1::ListProcessesResponse& list) {
    Table table{.header = {"pid", "parent", "state", "threads", "cpu", "memory", "command"}, .rows = {}};
    for (const v1::Process& process : list.processes()) {
        std::string command;
        for (const std::string& word : process.arguments()) command += (command.empty() ? "" : " ") + word;
        if (command.empty()) command = "[" + process.name() + "]";
        // What a guest says must not steer the terminal.
        std::ranges::replace_if(
            command, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, '?');
        table.rows.push_back({std::to_string(process.pid()), std::to_string(process.parent_pid()),
                              process.state(), std::to_string(process.threads()),
                              format_time(process.cpu_ns()), format_bytes(process.resident_bytes()),
                              command});
    }
    return table;
}

class PsCommand : public RemoteCommand {
  public:
    PsCommand() : RemoteCommand("ps", "list guests, or the processes in one") {}

  protected:
    void add_options(CLI::App& command) override {
        command.add_option("guest", guest_, "list what runs in this one");
        command.add_flag("-a,--all", all_, "those that have ended, too");
        command.add_flag("-q,--quiet", quiet_, "names only");
        add_format(command);
    }
    Result<int> work(Remote& remote) override {
        if (!guest_.empty()) return processes(remote);
        v1::ListGuestsRequest request;
        for (auto state : {v1::GUEST_STATE_CREATED, v1::GUEST_STATE_STARTING, v1::GUEST_STATE_RUNNING,
                           v1::GUEST_STATE_PAUSED, v1::GUEST_STATE_BROKEN})
            if (!all_) request.add_states(state);
        auto guests = TRY(Remote::call(*remote.guests, &Stub::List, request, patience()));
        if (!quiet_) return report(guests, guest_table(guests.guests()));
        std::string names;
        for (const v1::Guest& guest : guests.guests()) names += guest.name() + "\n";
        return print(names);
    }

  private:
    Result<int> processes(Remote& remote) {
        v1::ListProcessesRequest request;
        request.set_guest(guest_);
        auto list = TRY(Remote::call(*remote.guests, &Stub::Processes, request, patience()));
        return report(list, process_table(list));
    }

    bool all_ = false, quiet_ = false;
};

class InfoCommand : public RemoteCommand {
  public:
    InfoCommand() : RemoteCommand("info", "say everything about a guest") {}

  protected:
    void add_options(CLI::App& command) override {
        add_guest(command);
        add_format(command);
    }
    Result<int> work(Remote& remote) override {
        v1::GetGuestRequest request;
        request.set_guest(guest_);
        auto guest = TRY(Remote::call(*remote.guests, &Stub::Get, request, patience()));
        const v1::GuestSpec& spec = guest.spec();
        std::string program;
        for (const std::string& word : spec.arguments()) program += (program.empty() ? "" : " ") + word;
        Table table{.header = {"what", "value"},
                    .rows = {{"name", guest.name()},
                             {"id", guest.guest_id()},
                             {"state", state_name(guest.state())},
                             {"end", outcome_text(guest)},
                             {"program", program},
                             {"image", spec.image()},
                             {"engine", guest.engine()},
                             {"kernel", guest.kernel_build()},
                             {"cpus", std::to_string(spec.cpus())},
                             {"memory", format_bytes(spec.memory_bytes())},
                             {"boot", fmt::format("{:.1f} ms", static_cast<double>(guest.boot_ns()) / 1e6)},
                             {"machine process", std::to_string(guest.machine_pid())},
                             {"console", format_bytes(guest.console_bytes())}}};
        return report(guest, table);
    }
};

/// Commands that are one call about each of the guests that are named.
template <class Request, class Response>
class VerbCommand : public RemoteCommand {
  public:
    using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);
    using Options = void (*)(CLI::App& command, Request& request);
    VerbCommand(const char* name, const char* help, Method method, Options options = nullptr)
        : RemoteCommand(name, help), method_(method), options_(options) {}

  protected:
    void add_options(CLI::App& command) override {
        command.add_option("guests", guests_, "their names or ids")->required();
        if (options_) options_(command, request_);
    }
    Result<int> work(Remote& remote) override {
        int status = 0;
        for (const std::string& guest : guests_) {
            request_.set_guest(guest);
            auto done = Remote::call(*remote.guests, method_, request_, patience());
            if (!done) {
                say(done.error());
                status = status_of(done.error());
            } else if (int printed = print(guest + "\n"); printed != 0) {
                return printed;
            }
        }
        return status;
    }

  private:
    Method method_;
    Options options_;
    Request request_;
    std::vector<std::string> guests_;
};

class WaitCommand : public RemoteCommand {
  public:
    WaitCommand() : RemoteCommand("wait", "wait for a guest's end and exit with its status") {}

  protected:
    void add_options(CLI::App& command) override { add_guest(command); }
    Result<int> work(Remote& remote) override {
        v1::WaitGuestRequest request;
        request.set_guest(guest_);
        bool given = patience() != Remote::kPatience;
        auto guest = TRY(Remote::call(*remote.guests, &Stub::Wait, request,
                                      given ? patience() : std::chrono::milliseconds::zero()));
        return status_of(guest.outcome().kind(), guest.outcome().value());
    }
};

void stop_options(CLI::App& command, v1::StopGuestRequest& request) {
    command
        .add_option_function<std::string>(
            "--grace",
            [&request](const std::string& text) {
                auto grace = parse_duration(text);
                if (!grace) throw CLI::ValidationError("--grace", grace.error().message);
                request.set_grace_ms(static_cast<uint64_t>(grace->count()));
            },
            "kill it when it has not ended after this long (10s)")
        ->type_name("DURATION");
}

void rm_options(CLI::App& command, v1::DeleteGuestRequest& request) {
    command.add_flag_function(
        "-f,--force", [&request](int64_t) { request.set_force(true); }, "end it first");
}

}  // namespace

Commands make_guest_commands() {
    Commands commands;
    commands.push_back(std::make_unique<LaunchCommand>());
    commands.push_back(std::make_unique<PsCommand>());
    commands.push_back(std::make_unique<InfoCommand>());
    commands.push_back(std::make_unique<WaitCommand>());
    commands.push_back(std::make_unique<VerbCommand<v1::StopGuestRequest, v1::Guest>>(
        "stop", "ask guests to end, and end them when they do not", &Stub::Stop, stop_options));
    commands.push_back(std::make_unique<VerbCommand<v1::KillGuestRequest, v1::Guest>>(
        "kill", "end guests at once", &Stub::Kill));
    commands.push_back(std::make_unique<VerbCommand<v1::PauseGuestRequest, v1::Guest>>(
        "pause", "stop guests' virtual CPUs", &Stub::Pause));
    commands.push_back(std::make_unique<VerbCommand<v1::ResumeGuestRequest, v1::Guest>>(
        "resume", "let them go on", &Stub::Resume));
    commands.push_back(std::make_unique<VerbCommand<v1::DeleteGuestRequest, v1::DeleteGuestResponse>>(
        "rm", "forget guests that have ended", &Stub::Delete, rm_options));
    return commands;
}

}  // namespace astra::cli
