// What commands that talk to a daemon have in common: the connection, the format, errors and their statuses.
#pragma once
#include <google/protobuf/message.h>

#include <optional>

#include "cli/command.hpp"
#include "cli/report.hpp"
#include "cli/signals.hpp"
#include "control_proto/remote.hpp"

namespace astra::cli {

using control::Code;
using control::fail;
using control::Remote;
using control::Result;

/// All that there are: about guests, their streams, files and counters, images and the daemon itself.
[[nodiscard]] Commands make_guest_commands();
[[nodiscard]] Commands make_stream_commands();
[[nodiscard]] Commands make_copy_commands();
[[nodiscard]] Commands make_stats_commands();
[[nodiscard]] std::unique_ptr<Command> make_top_command();
[[nodiscard]] Commands make_image_commands();

class RemoteCommand : public Command {
  public:
    CLI::App* describe(CLI::App& app) final;
    /// Connects, runs work(), says what went wrong. Status: work()'s; 1 failed, 3 no daemon, 5 timed out, 6
    /// there is no such guest or image.
    int run(control::Client& client) final;

  protected:
    RemoteCommand(const char* name, const char* help) : name_(name), help_(help) {}
    virtual void add_options(CLI::App& command) { (void)command; }
    /// Does the work; yields the exit status.
    virtual Result<int> work(Remote& remote) = 0;
    /// True when work() passes signals on: signals() has them, from before the connection made its threads.
    [[nodiscard]] virtual bool forwards_signals() const { return false; }
    [[nodiscard]] SignalSource& signals() { return *signals_; }

    /// Adds -o; prints are then made with report().
    void add_format(CLI::App& command);
    /// The user asked for no other format.
    [[nodiscard]] bool is_table() const { return format_ == "table"; }
    /// Adds the GUEST argument.
    void add_guest(CLI::App& command) { command.add_option("guest", guest_, "its name or id")->required(); }
    /// Prints an answer as the user asked: the message itself as JSON or YAML, or the table made of it.
    [[nodiscard]] int report(const google::protobuf::Message& message, const Table& table) const;
    [[nodiscard]] std::chrono::milliseconds patience() const { return patience_; }

    std::string guest_;

  private:
    const char* name_;
    const char* help_;
    std::optional<SignalSource> signals_;
    std::string host_, format_ = "table", timeout_;
    std::chrono::milliseconds patience_ = Remote::kPatience;
};

/// Exit status of a failure to get something from a daemon.
[[nodiscard]] int status_of(const control::Error& error);

/// Exit status that stands for how a program ended, as `astra run` has it.
[[nodiscard]] int status_of(v1::Outcome::Kind kind, int value);

/// "running", "ended"…
[[nodiscard]] std::string state_name(v1::GuestState state);
/// "exited 3", "killed by signal 9", …; empty while there is none.
[[nodiscard]] std::string outcome_text(const v1::Guest& guest);

}  // namespace astra::cli
