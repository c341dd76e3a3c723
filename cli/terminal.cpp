// Raw mode and window size.
#include "cli/terminal.hpp"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>

namespace astra::cli {
namespace {

constexpr std::array kCrashes{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

// Read by the crash handler: the one thing a signal handler can reach.
termios saved;
volatile sig_atomic_t raw = 0;
const char *entering = "", *leaving = "";
std::array<struct sigaction, kCrashes.size()> previous;

void restore() {
    if (!raw) return;
    raw = 0;
    (void)!::write(STDOUT_FILENO, leaving, ::strlen(leaving));
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
}

void on_crash(int number) {
    restore();
    ::raise(number);  // SA_RESETHAND: now with the default action
}

void make_raw() {
    termios mode = saved;
    ::cfmakeraw(&mode);
    raw = ::tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) == 0;
    if (raw) (void)!::write(STDOUT_FILENO, entering, ::strlen(entering));
}

}  // namespace

bool is_foreground_terminal(int fd) { return ::isatty(fd) && ::tcgetpgrp(fd) == ::getpgrp(); }

std::optional<control::WindowSize> terminal_size(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return std::nullopt;
    return control::WindowSize{size.ws_row, size.ws_col};
}

control::Result<bool> wants_terminal(const std::string& when) {
    if (when == "on" || when == "off") return when == "on";
    if (when != "auto")
        return control::fail(control::Code::InvalidArgument, "--tty is on, off or auto, not '" + when + "'");
    return is_foreground_terminal(STDIN_FILENO) && ::isatty(STDOUT_FILENO) && ::isatty(STDERR_FILENO);
}

RawTerminal::RawTerminal(const char* enter, const char* leave) {
    if (raw || ::tcgetattr(STDIN_FILENO, &saved) != 0) return;
    entering = enter;
    leaving = leave;
    struct sigaction action {};
    action.sa_handler = on_crash;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (size_t i = 0; i < kCrashes.size(); i++) ::sigaction(kCrashes[i], &action, &previous[i]);
    owner_ = true;
    make_raw();
}

RawTerminal::~RawTerminal() {
    if (!owner_) return;
    restore();
    for (size_t i = 0; i < kCrashes.size(); i++) ::sigaction(kCrashes[i], &previous[i], nullptr);
}

bool RawTerminal::active() { return raw; }

void RawTerminal::stop_and_resume() {
    restore();
    ::raise(SIGSTOP);
    // Continued: the shell may have changed the terminal meanwhile.
    if (::tcgetattr(STDIN_FILENO, &saved) == 0) make_raw();
}

}  // namespace astra::cli
