// The pump's loop.
#include "cli/input_pump.hpp"

#include <poll.h>
#include <unistd.h>

namespace astra::cli {
namespace {

constexpr char kDetach = 0x1d;  // Ctrl-]
constexpr int kLook = 50;       // ms between two looks whether it is over

}  // namespace

InputPump::InputPump(Sink sink, SignalSource& signals, bool raw) : sink_(std::move(sink)), signals_(signals) {
    if (raw) {
        raw_.emplace();
        serve_signal(SIGWINCH);
    }
    thread_ = std::thread([this] { run(); });
}

InputPump::~InputPump() {
    ending_ = true;
    thread_.join();
}

void InputPump::run() {
    bool open = true;
    while (!ending_) {
        pollfd set[2] = {{open ? STDIN_FILENO : -1, POLLIN, 0}, {signals_.fd(), POLLIN, 0}};
        if (::poll(set, 2, kLook) <= 0) continue;
        if (set[1].revents)
            while (auto number = signals_.next()) serve_signal(*number);
        if (set[0].revents) open = take();
    }
}

void InputPump::serve_signal(int number) {
    if (SignalSource::is_for_program(number)) sink_.signal(static_cast<unsigned>(number));
    if (number == SIGWINCH && raw_)
        if (auto size = terminal_size(STDIN_FILENO)) sink_.resize(*size);
    if (number != SIGTSTP) return;
    if (raw_)
        raw_->stop_and_resume();
    else
        ::raise(SIGSTOP);
}

bool InputPump::take() {
    char buffer[16384];
    ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got <= 0) return sink_.end(), false;
    std::string bytes(buffer, static_cast<size_t>(got));
    if (sink_.detach && bytes.find(kDetach) != bytes.npos) return sink_.detach(), false;
    return sink_.input(std::move(bytes));
}

}  // namespace astra::cli
