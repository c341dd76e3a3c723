// Runs one program in the foreground: connects a run with this process's stdio, signals, terminal and clock.
#pragma once
#include <chrono>
#include <memory>
#include <optional>

#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/signals.hpp"
#include "cli/terminal.hpp"
#include "control_proto/client.hpp"

namespace astra::cli {

struct LoopOptions {
    std::optional<std::chrono::milliseconds> timeout;  // from the guest's launch
    bool guest_terminal = false;                       // the program has one
    bool raw_terminal = false;                         // standard input becomes raw, its size follows
    bool verbose = false;                              // details go to stderr
};

/// What a run came to: its outcome and the status to exit with.
struct LoopResult {
    control::Outcome outcome;
    int status = 0;
};

class ProgramLoop : public control::RunEvents {
  public:
    explicit ProgramLoop(LoopOptions options) : options_(options) {}

    /// Launches and serves the run to its end. The program's bytes go to fds 1 and 2 unchanged; fd 0 feeds
    /// it.
    ///
    /// Signals: INT, TERM, HUP, QUIT, USR1, USR2 go to the program; before it runs they end the guest, and a
    /// second INT within a second always does. With a raw terminal, Ctrl-] three times within a second does.
    /// Status: the program's, or 128+n when signal n ended it or had us end the guest; 141 when stdout's
    /// reader went away; 124, 125, 126, 127 as in messages.hpp. Everything but the program's own end is said
    /// on stderr.
    [[nodiscard]] control::Result<LoopResult> run(control::Client& client, const control::LaunchSpec& spec);

    void on_output(control::Stream stream, std::span<const std::byte> bytes) override;
    void on_started() override;
    void on_warning(std::string_view line) override;
    void on_detail(std::string_view line) override;
    void on_progress(std::string_view stage, uint64_t done, uint64_t total) override;

  private:
    using Clock = std::chrono::steady_clock;

    void wait();
    void serve_signals();
    void serve_signal(int number);
    void serve_input();
    void serve_outputs();
    void serve_clock();
    void watch_for_escape(std::span<const std::byte> bytes);
    void output_failed(Output& output);
    /// Ends the guest; `status` is what we exit with unless the program's own end was already on its way.
    void end_guest(int status);
    [[nodiscard]] bool outputs_pending() const { return out_.pending() || error_.pending(); }
    [[nodiscard]] int status_of(const control::Outcome& outcome) const;

    LoopOptions options_;
    Progress progress_;
    std::optional<SignalSource> signals_;
    Output out_{1}, error_{2};
    std::optional<RawTerminal> terminal_;
    std::unique_ptr<control::Run> run_;
    std::optional<control::Outcome> outcome_;
    std::optional<int> forced_status_;  // why we ended the guest
    std::optional<Clock::time_point> deadline_, pipe_deadline_, last_interrupt_;
    Clock::time_point first_escape_;
    int escapes_ = 0;
    bool started_ = false;
    bool input_open_ = true;
    bool input_ready_ = false;
    bool give_up_output_ = false;
};

}  // namespace astra::cli
