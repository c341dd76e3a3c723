// astra-vmm as its launcher sees it: exit statuses, error lines, and that it does not outlive anybody.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/integration/vmm/guests.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {
namespace {

using test::TemporaryKernel;
using testing::HasSubstr;

/// A started astra-vmm; its stderr is kept.
class Program {
  public:
    explicit Program(std::vector<std::string> arguments) {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        errors_ = Fd(ends[0]);
        arguments.insert(arguments.begin(), ASTRA_VMM_PATH);
        std::vector<char*> argv;
        for (auto& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(ends[1], 2);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
        ::close(ends[1]);
    }
    ~Program() {
        if (pid_ > 0) ::kill(pid_, SIGKILL), status();
    }
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Waits for the end; the exit status, or 128 + signal.
    int status() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    /// What stderr holds now; waits until there is something.
    std::string errors() {
        std::string text(16384, '\0');
        ssize_t count = ::read(errors_.get(), text.data(), text.size());
        text.resize(static_cast<usize>(std::max<ssize_t>(count, 0)));
        return text;
    }

  private:
    Fd errors_;
    pid_t pid_ = -1;
};

class ProgramTest : public testing::Test {
  protected:
    void SetUp() override {
        if (!test::have_kvm()) GTEST_SKIP() << "no /dev/kvm";
    }
    static int status_of(std::span<const u8> code) {
        TemporaryKernel kernel(code);
        return Program({"--kernel", kernel.path(), "--memory-mib=32"}).status();
    }
};

TEST_F(ProgramTest, StatusTellsHowTheGuestEnded) {
    EXPECT_EQ(status_of(GUEST_CODE(hello)), 0);
    EXPECT_EQ(status_of(GUEST_CODE(panic)), 2);
    EXPECT_EQ(status_of(GUEST_CODE(wrong_build)), 3);
    EXPECT_EQ(status_of(GUEST_CODE(odd_code)), 1);
    EXPECT_EQ(status_of(GUEST_CODE(triple_fault)), 4);
}

TEST_F(ProgramTest, SaysOneClearLineAboutItsOwnErrors) {
    Program missing({"--kernel", "/nonexistent", "--memory-mib", "32"});
    EXPECT_EQ(missing.status(), 1);
    EXPECT_EQ(missing.errors(), "astra-vmm: /nonexistent: No such file or directory\n");
    Program corrupt({"--kernel", "/etc/hostname", "--memory-mib", "32"});
    EXPECT_EQ(corrupt.status(), 1);
    EXPECT_THAT(corrupt.errors(), HasSubstr("not an ELF file"));
}

TEST_F(ProgramTest, TracesExits) {
    TemporaryKernel kernel(GUEST_CODE(hello));
    Program program({"--kernel", kernel.path(), "--memory-mib", "32", "--trace-exits"});
    EXPECT_EQ(program.status(), 0);
    std::string text = program.errors();
    EXPECT_THAT(text, HasSubstr("cpu0 port out 0x3f8"));
    EXPECT_THAT(text, HasSubstr("exit-doorbell at 0x501: 0 reads, 1 writes"));
}

TEST_F(ProgramTest, ShowsRegistersOnRequestAndRunsOn) {
    TemporaryKernel kernel(GUEST_CODE(spin));
    Program program({"--kernel", kernel.path(), "--memory-mib", "32"});
    // Until the machine is up, SIGQUIT has its default effect; the vCPU's thread shows that it is.
    std::filesystem::directory_iterator end;
    auto threads = [&] {
        return std::distance(std::filesystem::directory_iterator(fmt::format("/proc/{}/task", program.pid())),
                             end);
    };
    for (int i = 0; i < 500 && threads() < 2; i++) ::usleep(10'000);
    for (int i = 0; i < 2; i++) {
        ::kill(program.pid(), SIGQUIT);
        EXPECT_THAT(program.errors(), HasSubstr("rip=0000000000100000"));
    }
}

TEST_F(ProgramTest, DiesWithItsLauncher) {
    TemporaryKernel kernel(GUEST_CODE(spin));
    // Everybody below inherits the pipe's end; its end of file shows that nobody is left.
    int life[2];
    ASSERT_EQ(::pipe(life), 0);
    pid_t launcher = ::fork();
    if (launcher == 0) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || ::fcntl(ends[0], F_SETFD, FD_CLOEXEC) < 0)
            ::_exit(1);
        Program program(
            {"--kernel", kernel.path(), "--memory-mib=32", "--control-fd", std::to_string(ends[1])});
        ::close(ends[1]);
        ::usleep(100'000);
        ::_exit(0);
    }
    ::close(life[1]);
    Fd ours(life[0]);
    int status = 1;
    ::waitpid(launcher, &status, 0);
    EXPECT_EQ(status, 0);
    pollfd gone{ours.get(), 0, 0};
    EXPECT_EQ(::poll(&gone, 1, 30'000), 1);
}

}  // namespace
}  // namespace astra::vmm
