// The foreground loop of `astra run`.
#include "cli/program_loop.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/messages.hpp"

namespace astra::cli {
namespace {

using namespace std::chrono_literals;
using control::Outcome;

constexpr auto kSecondInterrupt = 1s;
/// How long a program may take to die of the SIGPIPE it is sent when nobody reads its output any more.
constexpr auto kPipeGrace = 1s;
constexpr std::byte kEscape{0x1d};  // Ctrl-]
constexpr int kEscapes = 3;
constexpr std::byte kEndOfFile{0x04};  // Ctrl-D, VEOF of a new terminal

std::string_view signal_name(int number) { return ::sigabbrev_np(number); }

}  // namespace

control::Result<LoopResult> ProgramLoop::run(control::Client& client, const control::LaunchSpec& spec) {
    // Until the guest is launched nothing needs care: a signal just ends us.
    auto launched = client.launch(spec, *this);
    progress_.clear();
    run_ = TRY(std::move(launched));
    signals_.emplace();
    if (signals_->fd() < 0) return control::fail(control::Code::Internal, "signalfd failed");
    if (options_.timeout) deadline_ = Clock::now() + *options_.timeout;
    if (options_.raw_terminal) terminal_.emplace();
    while (!outcome_ || (outputs_pending() && !give_up_output_)) {
        wait();
        serve_signals();
        if (input_ready_) serve_input();
        if (!outcome_) outcome_ = run_->advance();
        serve_outputs();
        serve_clock();
    }
    run_.reset();
    terminal_.reset();
    int status = status_of(*outcome_);
    return LoopResult{std::move(*outcome_), status};
}

void ProgramLoop::wait() {
    std::array<pollfd, 5> set;
    nfds_t count = 0;
    auto add = [&](int fd, short events) { set[count++] = {.fd = fd, .events = events, .revents = 0}; };
    add(signals_->fd(), POLLIN);
    if (!outcome_) add(run_->poll_fd(), POLLIN);
    if (out_.pending()) add(out_.fd(), POLLOUT);
    if (error_.pending()) add(error_.fd(), POLLOUT);
    bool feed = !outcome_ && input_open_ && run_->input_capacity() > 0;
    if (feed) add(STDIN_FILENO, POLLIN);

    int timeout = -1;
    for (const auto& deadline : {deadline_, pipe_deadline_}) {
        if (!deadline) continue;
        auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
        int ms = static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000'000));
        timeout = timeout < 0 ? ms : std::min(timeout, ms);
    }
    int ready = ::poll(set.data(), count, timeout);
    input_ready_ = feed && ready > 0 && set[count - 1].revents != 0;
}

void ProgramLoop::serve_signals() {
    while (auto number = signals_->next()) serve_signal(*number);
}

void ProgramLoop::serve_signal(int number) {
    if (number == SIGWINCH) {
        if (auto size = terminal_size(STDIN_FILENO); size && options_.raw_terminal) run_->resize(*size);
        return;
    }
    if (number == SIGTSTP) {
        if (terminal_)
            terminal_->stop_and_resume();
        else
            ::raise(SIGSTOP);
        return;
    }
    auto now = Clock::now();
    bool again = number == SIGINT && last_interrupt_ && now - *last_interrupt_ < kSecondInterrupt;
    if (number == SIGINT) last_interrupt_ = now;
    if (outcome_) {
        // Only unread output is left; whoever interrupts does not want it.
        give_up_output_ = true;
    } else if (again || !started_ || !run_->signal(number)) {
        on_detail(fmt::format("SIG{}: ending the guest", signal_name(number)));
        end_guest(128 + number);
    }
}

void ProgramLoop::serve_input() {
    std::array<std::byte, 32 * 1024> buffer;
    size_t room = std::min(buffer.size(), run_->input_capacity());
    ssize_t got = room > 0 ? ::read(STDIN_FILENO, buffer.data(), room) : -1;
    if (room == 0 || (got < 0 && (errno == EINTR || errno == EAGAIN))) return;
    if (got <= 0) {
        input_open_ = false;
        // Our terminal is gone: so is the program's. A file that ends is an end of file typed on it.
        if (options_.guest_terminal && !terminal_)
            run_->send_input(std::span(&kEndOfFile, 1));
        else
            run_->end_input();
        return;
    }
    auto bytes = std::span(buffer).first(static_cast<size_t>(got));
    if (terminal_) watch_for_escape(bytes);
    run_->send_input(bytes);
}

void ProgramLoop::watch_for_escape(std::span<const std::byte> bytes) {
    for (std::byte byte : bytes) {
        auto now = Clock::now();
        if (byte != kEscape || now - first_escape_ > kSecondInterrupt) escapes_ = 0;
        if (byte != kEscape) continue;
        if (escapes_++ == 0) first_escape_ = now;
        if (escapes_ == kEscapes) end_guest(128 + SIGKILL);
    }
}

void ProgramLoop::serve_outputs() {
    for (Output* output : {&out_, &error_})
        if (output->pending() && !output->write_some()) output_failed(*output);
    if (run_ && !outcome_) run_->pause_output(out_.full() || error_.full());
}

void ProgramLoop::output_failed(Output& output) {
    if (outcome_) return;
    if (output.error() == EPIPE) {
        // As if the program itself had written into the broken pipe.
        run_->signal(SIGPIPE);
        pipe_deadline_ = Clock::now() + kPipeGrace;
    } else {
        say(fmt::format("cannot write the program's output to {}: {}", output.fd() == 1 ? "stdout" : "stderr",
                        ::strerror(output.error())));
        end_guest(kStatusLauncher);
    }
}

void ProgramLoop::serve_clock() {
    auto passed = [](auto& deadline) { return deadline && Clock::now() >= *deadline; };
    if (passed(pipe_deadline_)) {
        pipe_deadline_.reset();
        end_guest(128 + SIGPIPE);
    }
    if (passed(deadline_)) {
        deadline_.reset();
        if (outcome_) {
            give_up_output_ = true;
            return;
        }
        say(fmt::format("the program did not end within {} ms: guest killed", options_.timeout->count()));
        end_guest(kStatusTimedOut);
    }
}

void ProgramLoop::end_guest(int status) {
    if (outcome_) return;
    if (!forced_status_) forced_status_ = status;
    run_->kill();
}

int ProgramLoop::status_of(const Outcome& outcome) const {
    switch (outcome.kind) {
        case Outcome::Kind::Exited: return outcome.value;
        case Outcome::Kind::Signalled: return 128 + outcome.value;
        case Outcome::Kind::SpawnFailed:
            return outcome.value == ENOENT ? kStatusNotFound : kStatusNotExecutable;
        case Outcome::Kind::Killed: return forced_status_.value_or(kStatusLauncher);
        case Outcome::Kind::Panicked:
        case Outcome::Kind::Lost: return kStatusLauncher;
    }
    return kStatusLauncher;
}

void ProgramLoop::on_output(control::Stream stream, std::span<const std::byte> bytes) {
    (stream == control::Stream::Out ? out_ : error_).add(bytes);
}

void ProgramLoop::on_started() {
    started_ = true;
    on_detail("the program runs");
}

void ProgramLoop::on_warning(std::string_view line) { say(line); }

void ProgramLoop::on_progress(std::string_view stage, uint64_t done, uint64_t total) {
    progress_.show(stage, done, total);
}

void ProgramLoop::on_detail(std::string_view line) {
    if (options_.verbose) say(line);
}

}  // namespace astra::cli
