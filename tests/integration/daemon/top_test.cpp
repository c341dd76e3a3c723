// `astra top` in a terminal: what it shows, what its keys do, and that the terminal is as it was afterwards.
#include <gmock/gmock.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

#include <cstring>

#include "tests/integration/daemon/fixture.hpp"

namespace astra::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;

/// `astra top` behind a terminal of 20 lines and 100 columns.
class Terminal {
  public:
    explicit Terminal(const std::string& socket) {
        winsize size{.ws_row = 20, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
        pid_ = ::forkpty(&fd_, nullptr, nullptr, &size);
        if (pid_ == 0) {
            ::execl(ASTRA_PROGRAM, ASTRA_PROGRAM, "top", "--host", socket.c_str(), "--interval", "200ms",
                    nullptr);
            ::_exit(127);
        }
        ::tcgetattr(fd_, &before_);
    }
    ~Terminal() {
        if (pid_ > 0) end(SIGTERM);
        ::close(fd_);
    }
    void type(const char* keys) { EXPECT_GT(::write(fd_, keys, std::strlen(keys)), 0); }
    void resize(unsigned short rows, unsigned short columns) {
        winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        ::ioctl(fd_, TIOCSWINSZ, &size);
    }
    /// Waits for a screen that has `text`, and returns it.
    std::string screen(const std::string& text) {
        auto until = Clock::now() + 30s;
        std::string seen;
        while (Clock::now() < until && read(100)) {
            size_t last = all_.rfind("\x1b[H"), end = all_.rfind("\x1b[J");
            if (last == all_.npos || end == all_.npos || end < last) continue;
            seen = all_.substr(last, end - last);
            if (seen.find(text) != seen.npos) return seen;
        }
        ADD_FAILURE() << "no screen with " << text << ", the last is " << seen;
        return seen;
    }
    /// Ends it with a signal (0: it ends by itself); its wait status. The terminal must be as it was.
    int end(int signal) {
        if (signal) ::kill(pid_, signal);
        while (read(1000)) {}
        int status = -1;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        termios now{};
        ::tcgetattr(fd_, &now);
        EXPECT_EQ(now.c_lflag, before_.c_lflag);
        EXPECT_EQ(now.c_oflag, before_.c_oflag);
        EXPECT_EQ(now.c_iflag, before_.c_iflag);
        EXPECT_TRUE(all_.ends_with("\x1b[?25h\x1b[?1049l"));
        return status;
    }

  private:
    bool read(int patience_ms) {
        pollfd ready{fd_, POLLIN, 0};
        char bytes[4096];
        if (::poll(&ready, 1, patience_ms) <= 0)
            return ::waitid(P_PID, static_cast<id_t>(pid_), &info_, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                   info_.si_pid == 0;
        ssize_t got = ::read(fd_, bytes, sizeof bytes);
        if (got > 0) all_.append(bytes, static_cast<size_t>(got));
        return got > 0;
    }
    int fd_ = -1;
    pid_t pid_ = -1;
    siginfo_t info_{};
    termios before_{};
    std::string all_;
};

class Top : public Daemon {
  protected:
    void SetUp() override {
        Daemon::SetUp();
        if (IsSkipped()) return;
        image();
        ASSERT_TRUE(launch("busy", "while :; do cat /missing 2>/dev/null; sleep 0.02; done"));
        ASSERT_TRUE(launch("idle", "exec sleep 1000"));
    }
};

TEST_F(Top, IsALiveViewWithDrillDown) {
    Terminal top(daemon_.socket());
    EXPECT_THAT(top.screen("busy"), HasSubstr("astra top: 2 guests"));
    top.type("n");
    EXPECT_THAT(top.screen("by name"), HasSubstr("CALLS/S"));
    top.type("\x1b[A\r");  // the first is busy
    std::string shown = top.screen("sleep 0.02");
    EXPECT_THAT(shown, HasSubstr("guest busy"));
    EXPECT_THAT(shown, HasSubstr("openat"));
    EXPECT_THAT(shown, HasSubstr("PID  STATE"));
    top.type("\x7f");
    top.screen("2 guests");
    top.resize(5, 30);
    shown = top.screen("guests");
    for (int i = 0; i < 20 && std::ranges::count(shown, '\n') > 4; i++) shown = top.screen("guests");
    EXPECT_LE(std::ranges::count(shown, '\n'), 4);
    EXPECT_THAT(shown, Not(HasSubstr("BLOCKED")));
    top.type("q");
    EXPECT_EQ(top.end(0), 0);
}

TEST_F(Top, GivesTheTerminalBackHoweverItEnds) {
    for (int signal : {SIGTERM, SIGHUP, SIGINT}) {
        Terminal top(daemon_.socket());
        top.screen("busy");
        int status = top.end(signal);
        EXPECT_TRUE(WIFEXITED(status)) << signal;
        EXPECT_EQ(WEXITSTATUS(status), 128 + signal);
    }
    Terminal crash(daemon_.socket());
    crash.screen("busy");
    EXPECT_TRUE(WIFSIGNALED(crash.end(SIGSEGV)));
    Terminal typed(daemon_.socket());
    typed.screen("busy");
    typed.type("\x03");
    EXPECT_EQ(typed.end(0), 0);
}

TEST_F(Top, ColoursOnlyThoseWhoWantThem) {
    {
        Terminal top(daemon_.socket());
        EXPECT_THAT(top.screen("busy"), HasSubstr("\x1b[31mbusy"));
    }
    ::setenv("NO_COLOR", "1", 1);
    Terminal top(daemon_.socket());
    EXPECT_THAT(top.screen("busy"), Not(HasSubstr("\x1b[31m")));
    ::unsetenv("NO_COLOR");
}

TEST_F(Top, AnswersScripts) {
    auto json = astra("top -o json --interval 200ms");
    EXPECT_EQ(json.status, 0);
    EXPECT_THAT(json.out, HasSubstr("\"name\": \"busy\""));
    EXPECT_THAT(astra("top busy -o csv --interval 200ms").out, HasSubstr("\r\nopenat,"));
    EXPECT_EQ(astra("top nobody").status, 6);
    EXPECT_EQ(astra("top --sort beauty").status, 2);
    EXPECT_EQ(astra("top --interval 1ms -n 1").status, 1);
    // Ends with the guest.
    ASSERT_TRUE(call(&v1::Guests::Stub::Kill, "busy"));
    EXPECT_EQ(astra("top busy --interval 100ms").status, 0);
    EXPECT_THAT(astra("top -n 1 --interval 100ms").out, Not(HasSubstr("busy")));
}

}  // namespace
}  // namespace astra::tests
