// Spawning astra for tests.
#include "tests/integration/launcher/astra_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace astra::tests {
namespace {

[[noreturn]] void become_astra(const std::vector<std::string>& words) {
    ::setenv("PATH", ASTRA_FAKE_BIN ":/usr/bin:/bin", 1);
    ::setenv("ASTRA_STATE_DIR", ASTRA_STATE, 0);
    ::setenv("TERM", "test-terminal", 1);
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(99);
}

void take_all(int& fd, std::string& to) {
    char buffer[65536];
    ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got > 0) {
        to.append(buffer, static_cast<size_t>(got));
    } else {
        ::close(fd);
        fd = -1;
    }
}

}  // namespace

AstraProcess::AstraProcess(std::vector<std::string> words, Stdio stdio, std::vector<std::string> under)
    : terminal_(stdio == Stdio::Terminal) {
    words.insert(words.begin(), ASTRA_PROGRAM);
    words.insert(words.begin(), under.begin(), under.end());
    if (terminal_) {
        winsize size{.ws_row = 33, .ws_col = 111, .ws_xpixel = 0, .ws_ypixel = 0};
        pid_ = ::forkpty(&out_, nullptr, nullptr, &size);
        if (pid_ == 0) become_astra(words);
        ::fcntl(out_, F_SETFD, FD_CLOEXEC);
        in_ = ::fcntl(out_, F_DUPFD_CLOEXEC, 0);
        return;
    }
    int in[2], out[2], error[2];
    if (::pipe2(in, O_CLOEXEC) || ::pipe2(out, O_CLOEXEC) || ::pipe2(error, O_CLOEXEC)) return;
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(in[0], 0), ::dup2(out[1], 1), ::dup2(error[1], 2);
        become_astra(words);
    }
    ::close(in[0]), ::close(out[1]), ::close(error[1]);
    in_ = in[1], out_ = out[0], error_ = error[0];
}

AstraProcess::~AstraProcess() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    for (int fd : {in_, out_, error_})
        if (fd >= 0) ::close(fd);
}

void AstraProcess::write(std::string_view bytes) {
    // Both directions at once: neither side may wait for the other.
    ::fcntl(in_, F_SETFL, O_NONBLOCK);
    while (!bytes.empty()) {
        ssize_t put = ::write(in_, bytes.data(), bytes.size());
        if (put > 0)
            bytes.remove_prefix(static_cast<size_t>(put));
        else if (errno != EAGAIN)
            return;
        if (!bytes.empty()) read_some(20);
    }
}

void AstraProcess::close_input() {
    ::close(in_);
    in_ = -1;
}

void AstraProcess::close_output() {
    ::close(out_);
    out_ = -1;
}

void AstraProcess::signal(int number) const { ::kill(pid_, number); }

void AstraProcess::resize(int rows, int columns) const {
    winsize size{};
    size.ws_row = static_cast<unsigned short>(rows);
    size.ws_col = static_cast<unsigned short>(columns);
    ::ioctl(out_, TIOCSWINSZ, &size);
}

int AstraProcess::only_child() const {
    std::string pid = std::to_string(pid_);
    std::ifstream list("/proc/" + pid + "/task/" + pid + "/children");
    int child = -1, other = -1;
    return list >> child && !(list >> other) ? child : -1;
}

bool AstraProcess::read_some(int timeout_ms) {
    pollfd set[2]{{out_, POLLIN, 0}, {error_, POLLIN, 0}};
    if (out_ < 0 && error_ < 0) return false;
    if (::poll(set, 2, timeout_ms) <= 0) return true;
    if (out_ >= 0 && set[0].revents) take_all(out_, seen_.out);
    if (error_ >= 0 && set[1].revents) take_all(error_, seen_.error);
    return true;
}

bool AstraProcess::wait_for(const std::string& text) {
    for (int i = 0; i < 1000; i++) {
        if (seen_.out.find(text) != std::string::npos) return true;
        if (!read_some(10)) return false;
    }
    return false;
}

Finished AstraProcess::finish(std::chrono::seconds limit) {
    auto deadline = std::chrono::steady_clock::now() + limit;
    while (read_some(50))
        if (std::chrono::steady_clock::now() > deadline) return seen_;
    int status = 0;
    for (;;) {
        if (::waitpid(pid_, &status, WNOHANG) == pid_) break;
        if (std::chrono::steady_clock::now() > deadline) return seen_;
        ::usleep(2000);
    }
    pid_ = -1;
    seen_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    return seen_;
}

bool AstraProcess::terminal_is_cooked() const {
    termios mode{};
    return ::tcgetattr(in_, &mode) == 0 && (mode.c_lflag & ICANON) && (mode.c_lflag & ECHO) &&
           (mode.c_oflag & OPOST);
}

std::vector<std::string> run_words(std::vector<std::string> words) {
    std::vector<std::string> all{"run",         "--engine", "qemu-tcg",  "--kernel",
                                 ASTRA_PROGRAM, "--rootfs", ASTRA_ROOTFS};
    all.insert(all.end(), words.begin(), words.end());
    return all;
}

Finished run_astra(std::vector<std::string> words, std::string_view input) {
    AstraProcess process(run_words(std::move(words)));
    process.write(input);
    process.close_input();
    return process.finish();
}

}  // namespace astra::tests
