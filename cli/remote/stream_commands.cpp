// logs, attach, exec, events: commands that stream.
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "cli/input_pump.hpp"
#include "cli/messages.hpp"
#include "cli/remote/remote_command.hpp"
#include "cli/terminal.hpp"

namespace astra::cli {
namespace {

constexpr char kEndOfFile[] = "\x04";  // Ctrl-D, VEOF of a new terminal

int write_to(int fd, const std::string& bytes) {
    if (fd == STDOUT_FILENO) return print(bytes);
    say_plain(bytes);
    return 0;
}

/// Writes a chunk where it belongs; sets `end` when it was the last. Yields print()'s status.
int show(const v1::ConsoleChunk& chunk, std::optional<v1::ConsoleEnd>& end) {
    if (chunk.has_gap())
        say(fmt::format("{} bytes are not kept any more",
                        chunk.gap().to_offset() - chunk.gap().from_offset()));
    if (chunk.has_end()) end = chunk.end();
    if (!chunk.has_data()) return 0;
    return write_to(chunk.data().stream() == v1::CONSOLE_STREAM_OUT ? STDOUT_FILENO : STDERR_FILENO,
                    chunk.data().data());
}

class LogsCommand : public RemoteCommand {
  public:
    LogsCommand() : RemoteCommand("logs", "show what a guest wrote") {}

  protected:
    void add_options(CLI::App& command) override {
        add_guest(command);
        command.add_flag("-f,--follow", follow_, "and what it writes, until it ends");
        command.add_option("--from", from_, "begin at this byte")->type_name("OFFSET");
        command.add_flag("--kernel", kernel_, "what the guest's kernel and its machine said instead");
    }
    Result<int> work(Remote& remote) override {
        v1::ReadConsoleRequest request;
        request.set_guest(guest_);
        request.set_from_offset(from_);
        request.set_follow(follow_);
        if (kernel_) request.add_streams(v1::CONSOLE_STREAM_LOG);
        grpc::ClientContext context;
        auto stream = remote.console->Read(&context, request);
        std::optional<v1::ConsoleEnd> end;
        for (v1::ConsoleChunk chunk; stream->Read(&chunk);) {
            if (kernel_ && chunk.has_data()) chunk.mutable_data()->set_stream(v1::CONSOLE_STREAM_OUT);
            if (int status = show(chunk, end); status != 0) return context.TryCancel(), status;
        }
        grpc::Status status = stream->Finish();
        if (!status.ok()) return std::unexpected(control::to_error(status));
        return 0;
    }

  private:
    bool follow_ = false, kernel_ = false;
    uint64_t from_ = 0;
};

class AttachCommand : public RemoteCommand {
  public:
    AttachCommand() : RemoteCommand("attach", "connect to a guest's program; Ctrl-] leaves it running") {}

  protected:
    [[nodiscard]] bool forwards_signals() const override { return true; }
    void add_options(CLI::App& command) override { add_guest(command); }
    Result<int> work(Remote& remote) override {
        v1::GetGuestRequest get;
        get.set_guest(guest_);
        auto guest = TRY(Remote::call(*remote.guests, &v1::Guests::Stub::Get, get, patience()));
        bool terminal = guest.spec().has_terminal() && is_foreground_terminal(STDIN_FILENO);
        grpc::ClientContext context;
        auto stream = remote.console->Attach(&context);
        v1::AttachRequest first;
        first.set_guest(guest_);
        stream->Write(first);
        std::optional<v1::ConsoleEnd> end;
        std::atomic<bool> detached = false;
        {
            auto send = [&](auto fill) {
                v1::AttachRequest request;
                fill(request);
                return stream->Write(request);
            };
            std::function<void()> detach = [&] { detached = stream->WritesDone(); };
            InputPump pump(
                {.input =
                     [&](std::string bytes) {
                         return send([&](auto& request) { request.set_input(std::move(bytes)); });
                     },
                 .end = [&] { return send([](auto& request) { request.set_end_of_input(true); }); },
                 .signal = [&](unsigned n) { return send([&](auto& request) { request.set_signal(n); }); },
                 .resize =
                     [&](control::WindowSize size) {
                         return send([&](auto& request) {
                             request.mutable_resize()->set_rows(size.rows);
                             request.mutable_resize()->set_columns(size.columns);
                         });
                     },
                 .detach = is_foreground_terminal(STDIN_FILENO) ? detach : std::function<void()>()},
                signals(), terminal);
            for (v1::ConsoleChunk chunk; !end && stream->Read(&chunk);)
                if (int status = show(chunk, end); status != 0) return context.TryCancel(), status;
        }
        if (!detached) stream->WritesDone();
        grpc::Status status = stream->Finish();
        if (!status.ok()) return std::unexpected(control::to_error(status));
        if (!end || !end->has_outcome()) return say("detached; the guest goes on"), 0;
        return status_of(end->outcome().kind(), end->outcome().value());
    }
};

class ExecCommand : public RemoteCommand {
  public:
    ExecCommand() : RemoteCommand("exec", "run another program in a guest: astra exec GUEST PROGRAM…") {}
    [[nodiscard]] bool takes_program() const override { return true; }
    void take_program(std::vector<std::string> words) override { words_ = std::move(words); }
    [[nodiscard]] int usage_status() const override { return kStatusLauncher; }

  protected:
    [[nodiscard]] bool forwards_signals() const override { return true; }
    void add_options(CLI::App& command) override {
        command.add_option("-e,--env", environment_, "set a variable")
            ->type_name("NAME=VALUE")
            ->type_size(1)
            ->allow_extra_args(false);
        command.add_option("--workdir", workdir_, "directory the program starts in")->type_name("DIR");
        command
            .add_flag("-t{on},--tty{on}", tty_,
                      "give the program a terminal: on, off, or auto (when ours is one)")
            ->type_name("[=WHEN]");
    }
    Result<int> work(Remote& remote) override {
        if (words_.size() < 2)
            return fail(Code::InvalidArgument, "exec needs a guest and a program",
                        "astra exec GUEST /bin/sh -c …");
        bool terminal = TRY(wants_terminal(tty_));
        bool raw = terminal && is_foreground_terminal(STDIN_FILENO);
        grpc::ClientContext context;
        auto stream = remote.exec->Run(&context);
        v1::ExecRequest first;
        first.mutable_start()->set_guest(words_[0]);
        first.mutable_start()->mutable_arguments()->Assign(words_.begin() + 1, words_.end());
        first.mutable_start()->mutable_environment()->Assign(environment_.begin(), environment_.end());
        first.mutable_start()->set_workdir(workdir_);
        if (terminal) ask_for_terminal(*first.mutable_start());
        stream->Write(first);
        std::optional<v1::ExecExited> exited;
        {
            auto send = [&](auto fill) {
                v1::ExecRequest request;
                fill(request);
                return stream->Write(request);
            };
            InputPump pump(
                {.input =
                     [&](std::string bytes) {
                         return send([&](auto& request) { request.set_input(std::move(bytes)); });
                     },
                 .end =
                     [&] {
                         return send([&](auto& request) {
                             // A file that ends is an end of file typed on the terminal.
                             if (terminal && !raw)
                                 request.set_input(kEndOfFile);
                             else
                                 request.set_end_of_input(true);
                         });
                     },
                 .signal = [&](unsigned n) { return send([&](auto& request) { request.set_signal(n); }); },
                 .resize =
                     [&](control::WindowSize size) {
                         return send([&](auto& request) {
                             request.mutable_resize()->set_rows(size.rows);
                             request.mutable_resize()->set_columns(size.columns);
                         });
                     },
                 .detach = {}},
                signals(), raw);
            for (v1::ExecResponse response; !exited && stream->Read(&response);) {
                int status = 0;
                if (response.part_case() == v1::ExecResponse::kOut)
                    status = write_to(STDOUT_FILENO, response.out());
                if (response.part_case() == v1::ExecResponse::kError)
                    status = write_to(STDERR_FILENO, response.error());
                if (response.has_exited()) exited = response.exited();
                if (status != 0) return context.TryCancel(), status;
            }
        }
        stream->WritesDone();
        grpc::Status end = stream->Finish();
        if (!end.ok()) {
            say(control::to_error(end));
            return kStatusLauncher;
        }
        if (exited->kind() == v1::Outcome::KIND_SPAWN_FAILED)
            say(words_[1] + ": " + ::strerror(exited->value()));
        if (exited->kind() == v1::Outcome::KIND_LOST) say("the guest ended under the program");
        return status_of(exited->kind(), exited->value());
    }

  private:
    static void ask_for_terminal(v1::ExecStart& start) {
        auto size = terminal_size(STDIN_FILENO).value_or(control::WindowSize{});
        start.mutable_terminal()->set_rows(size.rows);
        start.mutable_terminal()->set_columns(size.columns);
        if (const char* term = ::getenv("TERM")) start.add_environment(std::string("TERM=") + term);
    }

    std::vector<std::string> words_, environment_;
    std::string workdir_, tty_ = "auto";
};

class EventsCommand : public RemoteCommand {
  public:
    EventsCommand() : RemoteCommand("events", "show what happened, and what happens") {}

  protected:
    void add_options(CLI::App& command) override {
        command.add_option("--from", from_, "first sequence number (1: all that is kept; 0: from now on)")
            ->capture_default_str();
        command.add_flag("-f,--follow", follow_, "go on with what happens");
        command.add_option("--guest", guest_, "only this one's");
    }
    Result<int> work(Remote& remote) override {
        v1::WatchEventsRequest request;
        request.set_from_sequence(from_);
        request.set_guest(guest_);
        request.set_follow(follow_);
        grpc::ClientContext context;
        auto stream = remote.events->Watch(&context, request);
        for (v1::Event event; stream->Read(&event);) {
            std::string line = fmt::format("{:>6}  {:<16} {:<20} {}\n", event.sequence(), event.kind(),
                                           event.guest_name(), event.detail());
            if (int status = print(line); status != 0) return context.TryCancel(), status;
        }
        grpc::Status end = stream->Finish();
        if (!end.ok()) return std::unexpected(control::to_error(end));
        return 0;
    }

  private:
    uint64_t from_ = 1;
    bool follow_ = false;
};

}  // namespace

Commands make_stream_commands() {
    Commands commands;
    commands.push_back(std::make_unique<LogsCommand>());
    commands.push_back(std::make_unique<AttachCommand>());
    commands.push_back(std::make_unique<ExecCommand>());
    commands.push_back(std::make_unique<EventsCommand>());
    return commands;
}

}  // namespace astra::cli
