// signalfd(2) over the signals of a run.
#include "cli/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace astra::cli {
namespace {

constexpr std::array kForProgram{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
constexpr std::array kForUs{SIGWINCH, SIGTSTP};

bool is_ignored(int number) {
    struct sigaction action {};
    return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

SignalSource::SignalSource() {
    sigset_t set;
    ::sigemptyset(&set);
    for (int number : kForProgram)
        if (!is_ignored(number)) ::sigaddset(&set, number);
    for (int number : kForUs) ::sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, &previous_);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &previous_pipe_);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

SignalSource::~SignalSource() {
    if (fd_ >= 0) ::close(fd_);
    ::sigaction(SIGPIPE, &previous_pipe_, nullptr);
    ::sigprocmask(SIG_SETMASK, &previous_, nullptr);
}

std::optional<int> SignalSource::next() {
    signalfd_siginfo info{};
    if (::read(fd_, &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
}

bool SignalSource::is_for_program(int number) {
    return std::ranges::find(kForProgram, number) != kForProgram.end();
}

}  // namespace astra::cli
