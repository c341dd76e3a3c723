// The commands of `astra`: each describes its options to the parser and then does its work.
#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <vector>

#include "control_proto/client.hpp"

namespace astra::cli {

class Command {
  public:
    virtual ~Command() = default;
    /// Adds the subcommand and its options to `app`; returns it.
    virtual CLI::App* describe(CLI::App& app) = 0;
    /// The words after the options; only commands that run programs have any.
    virtual void take_program(std::vector<std::string> words) { (void)words; }
    [[nodiscard]] virtual bool takes_program() const { return false; }
    /// Does the work. Returns the exit status.
    virtual int run(control::Client& client) = 0;
    /// Exit status of a command line that cannot be understood.
    [[nodiscard]] virtual int usage_status() const { return 2; }
};

using Commands = std::vector<std::unique_ptr<Command>>;

[[nodiscard]] std::unique_ptr<Command> make_run_command();
[[nodiscard]] std::unique_ptr<Command> make_doctor_command();
[[nodiscard]] std::unique_ptr<Command> make_version_command();
[[nodiscard]] std::unique_ptr<Command> make_completion_command();
[[nodiscard]] std::unique_ptr<Command> make_manual_command();
/// Those that need nobody else. They are a program of their own, which starts without the libraries that
/// talking to a daemon takes.
[[nodiscard]] Commands make_local_commands();

/// The whole program: parses `words` (without the program's name), runs one of `commands`, returns the exit
/// status.
[[nodiscard]] int run_command_line(std::vector<std::string> words, Commands commands,
                                   control::Client& client);
/// Whether `word` is the name of one of `commands`.
[[nodiscard]] bool is_command(const Commands& commands, std::string_view word);

/// Where the program's words begin in a command's words: after a "--", else at the first word that is neither
/// an option of `app` nor an option's value. `words` keeps the options; the rest is returned.
[[nodiscard]] std::vector<std::string> split_program(const CLI::App& app, std::vector<std::string>& words);

}  // namespace astra::cli
