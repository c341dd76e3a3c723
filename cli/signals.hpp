// Signals as events: those that concern a run, read from a descriptor instead of interrupting anything.
#pragma once
#include <signal.h>

#include <optional>

namespace astra::cli {

/// While it lives, the signals below arrive at fd(). Signals that were ignored when astra started (nohup)
/// stay ignored. SIGPIPE is ignored: writes report EPIPE.
class SignalSource {
  public:
    SignalSource();
    ~SignalSource();
    SignalSource(const SignalSource&) = delete;
    SignalSource& operator=(const SignalSource&) = delete;

    /// Readable while a signal waits; -1 when the source could not be made.
    [[nodiscard]] int fd() const { return fd_; }
    /// The next signal that waits.
    [[nodiscard]] std::optional<int> next();

    /// Passed on to the program: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2.
    [[nodiscard]] static bool is_for_program(int number);

  private:
    int fd_ = -1;
    sigset_t previous_{};
    struct sigaction previous_pipe_ {};
};

}  // namespace astra::cli
