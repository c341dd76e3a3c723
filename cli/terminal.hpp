// The user's terminal: is it one, how large is it, and raw mode that never outlives its owner.
#pragma once
#include <optional>
#include <string>

#include "control_proto/error.hpp"
#include "control_proto/launch.hpp"

namespace astra::cli {

/// True when `fd` is a terminal and this process is in its foreground (touching it would not stop us).
[[nodiscard]] bool is_foreground_terminal(int fd);
/// The size of the terminal `fd`; none when it is not a terminal or does not know.
[[nodiscard]] std::optional<control::WindowSize> terminal_size(int fd);

/// Whether a program gets a terminal by `--tty WHEN`: on, off, or auto, when ours is one. Errors:
/// InvalidArgument.
[[nodiscard]] control::Result<bool> wants_terminal(const std::string& when);

/// Raw mode on standard input, from construction to destruction. The terminal is also restored when the
/// process dies of a crash (SIGSEGV, SIGABRT, …), and around a stop. At most one at a time.
class RawTerminal {
  public:
    /// `enter` is written to standard output now, `leave` when the terminal is given back, around a stop,
    /// too. Both are literals.
    explicit RawTerminal(const char* enter = "", const char* leave = "");
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

    /// True while some RawTerminal has the terminal in raw mode.
    [[nodiscard]] static bool active();
    /// Gives the terminal back, stops this process as SIGTSTP would, and goes raw again when it is continued.
    void stop_and_resume();

  private:
    bool owner_ = false;  // standard input is a terminal and was not raw before
};

}  // namespace astra::cli
