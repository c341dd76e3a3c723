// Command and Child: other programs, as Rust's std::process.
#pragma once
#include <optional>

#include "guest_runtime/process/exit.hpp"
#include "guest_runtime/process/exit_status.hpp"
#include "guest_runtime/process/pipe.hpp"

namespace astra::process {

/// Where a child's standard stream comes from or goes.
class Stdio {
  public:
    /// The parent's own.
    static Stdio inherit() { return Stdio(Kind::Inherit); }
    /// A pipe, whose other end the Child has.
    static Stdio piped() { return Stdio(Kind::Piped); }
    /// /dev/null.
    static Stdio null() { return Stdio(Kind::Null); }
    /// A file, a pipe's end, a socket.
    static Stdio from(os::OwnedFd fd) {
        Stdio s(Kind::Fd);
        s.fd_ = std::move(fd);
        return s;
    }

  private:
    friend class Command;
    enum class Kind : u8 { Inherit, Piped, Null, Fd };
    explicit Stdio(Kind kind) : kind_(kind) {}
    Kind kind_;
    os::OwnedFd fd_;
};

/// What a child left behind.
struct Output {
    ExitStatus status;
    Vector<u8> out, err;
    /// stdout and stderr as text.
    [[nodiscard]] std::string_view stdout_text() const { return io::as_text(out); }
    [[nodiscard]] std::string_view stderr_text() const { return io::as_text(err); }
};

/// A running child. Dropping it neither kills nor waits for it.
class Child {
  public:
    Child(Child&&) noexcept = default;
    Child& operator=(Child&&) noexcept = default;
    [[nodiscard]] u32 id() const { return static_cast<u32>(pid_); }
    /// Closes its stdin and waits for its end (wait4(61)); again gives the same answer.
    io::Result<ExitStatus> wait();
    /// Its end if it has ended.
    io::Result<std::optional<ExitStatus>> try_wait();
    /// SIGKILL; InvalidInput when it was waited for already.
    io::Result<void> kill();
    /// Another signal.
    io::Result<void> signal(int signal);
    /// Closes its stdin, reads its piped stdout and stderr to their ends, both at once, and waits.
    io::Result<Output> wait_with_output();

    /// The other ends of piped streams; take them out with std::move.
    std::optional<PipeWriter> stdin_pipe;
    std::optional<PipeReader> stdout_pipe, stderr_pipe;

  private:
    friend class Command;
    Child() = default;
    io::Result<std::optional<ExitStatus>> wait_for(int options);
    int pid_ = 0;
    std::optional<ExitStatus> status_;
};

/// A program to run, with its arguments, environment, directory and streams. Errors of its setters are
/// answered by what starts it.
///     auto out = TRY(process::Command::new_("/bin/ls").arg("-l").output());
class Command {
  public:
    /// A path, or a name that is looked for in PATH (the child's, else /bin:/usr/bin).
    explicit Command(std::string_view program);
    static Command new_(std::string_view program) { return Command(program); }
    Command(Command&&) noexcept = default;

    Command& arg(std::string_view argument);
    Command& args(std::initializer_list<std::string_view> arguments);
    /// The name the program sees as its own (argv[0]).
    Command& arg0(std::string_view name);
    Command& env(std::string_view name, std::string_view value);
    Command& env_remove(std::string_view name);
    /// Starts from an empty environment.
    Command& env_clear();
    Command& current_dir(std::string_view path);
    Command& stdin_(Stdio stdio) { return streams_[0].emplace(std::move(stdio)), *this; }
    Command& stdout_(Stdio stdio) { return streams_[1].emplace(std::move(stdio)), *this; }
    Command& stderr_(Stdio stdio) { return streams_[2].emplace(std::move(stdio)), *this; }

    /// Starts it; streams not set are inherited. NotFound, PermissionDenied, … when it cannot be executed.
    io::Result<Child> spawn() { return start(Stdio::Kind::Inherit); }
    /// Starts it and waits.
    io::Result<ExitStatus> status();
    /// Starts it, gathers what it prints and waits; stdout and stderr not set are piped, stdin is /dev/null.
    io::Result<Output> output();
    /// Becomes it: answers only when that fails. Streams and directory that were set may then have been
    /// changed.
    io::Error exec();

  private:
    struct Prepared;
    io::Result<Child> start(Stdio::Kind unset);
    io::Result<void> prepare(Prepared& p);
    io::Result<void> open_streams(Stdio::Kind unset, Prepared& p, Child& child);
    Command& keep(io::Result<void> result) {
        if (state_ && !result) state_ = result;
        return *this;
    }
    struct Change {
        String name;
        std::optional<String> value;  // none: unset it
    };
    String program_, directory_;
    Vector<String> arguments_;
    Vector<Change> changes_;
    bool clear_ = false;
    std::optional<Stdio> streams_[3];
    io::Result<void> state_;
};

}  // namespace astra::process
