// Child processes: what they inherit, how they end, that they never stay behind.
#include "vmm/engines/process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "vmm/engines/shared_memory.hpp"
#include "vmm/engines/wiring.hpp"

namespace astra::vmm {
namespace {

std::string read_all(int fd) {
    std::string text;
    char buffer[4096];
    pollfd entry{fd, POLLIN, 0};
    while (::poll(&entry, 1, 10'000) > 0) {
        ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got <= 0) break;
        text.append(buffer, static_cast<usize>(got));
    }
    return text;
}

int wait_for(Process& process) {
    pollfd entry{process.pidfd(), POLLIN, 0};
    EXPECT_EQ(::poll(&entry, 1, 10'000), 1);
    return process.status().value_or(-1);
}

ProcessSpec shell(std::string script) {
    return {.program = "/bin/sh", .arguments = {"-c", std::move(script)}, .inherited = {}, .errors = {}};
}

TEST(Process, InheritsItsDescriptorsAndNothingElse) {
    Ends a = *make_pipe(), b = *make_pipe(), errors = *make_pipe();
    ProcessSpec spec = shell("echo one >&3; echo two >&4; echo three >&2; ls /proc/self/fd | wc -l >&4");
    EXPECT_EQ(spec.inherit(std::move(a.theirs)), 3);
    EXPECT_EQ(spec.inherit(std::move(b.theirs)), 4);
    spec.errors = std::move(errors.theirs);
    Process process = std::move(*Process::start(std::move(spec)));
    EXPECT_EQ(read_all(a.ours.get()), "one\n");
    EXPECT_EQ(read_all(b.ours.get()), "two\n6\n");  // 0 to 4, and the one ls reads the directory with
    EXPECT_EQ(read_all(errors.ours.get()), "three\n");
    EXPECT_EQ(wait_for(process), 0);
}

TEST(Process, TellsHowItEnded) {
    Process exited = std::move(*Process::start(shell("exit 7")));
    int status = wait_for(exited);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 7);
    Process killed = std::move(*Process::start(shell("sleep 100")));
    EXPECT_FALSE(killed.status());
    killed.kill();
    status = wait_for(killed);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    killed.kill();  // harmless
    EXPECT_EQ(killed.status(), status);
}

TEST(Process, SaysWhyItCannotStart) {
    auto missing =
        Process::start({.program = "/nonexistent", .arguments = {}, .inherited = {}, .errors = {}});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::NotFound);
    auto folder = Process::start({.program = "/tmp", .arguments = {}, .inherited = {}, .errors = {}});
    ASSERT_FALSE(folder);
    EXPECT_EQ(folder.error().code, Code::PermissionDenied);
}

TEST(Process, DiesWithItsOwner) {
    Ends pipe = *make_pipe();
    {
        ProcessSpec spec = shell("echo up >&3; sleep 100");
        spec.inherit(std::move(pipe.theirs));
        Process process = std::move(*Process::start(std::move(spec)));
        pollfd entry{pipe.ours.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&entry, 1, 10'000), 1);
    }
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left behind";
}

TEST(SharedMemory, MapsOnlyWhatItShares) {
    auto shared =
        SharedMemory::create("test", {{PhysAddr(0), 0x3000, 0}, {PhysAddr(0x10'0000), 0x1000, 0x3000}});
    ASSERT_TRUE(shared);
    auto low = shared->map(PhysAddr(0x1000), 0x2000);
    auto high = shared->map(PhysAddr(0x10'0000), 0x1000);
    ASSERT_TRUE(low);
    ASSERT_TRUE(high);
    low->data()[0] = 1;
    high->data()[0] = 2;
    auto again = shared->map(PhysAddr(0), 0x3000);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->data()[0x1000], 1);
    struct Bad {
        u64 base, length;
    };
    for (Bad bad :
         {Bad{0, 0}, Bad{0, 0x4000}, Bad{0x1000, ~u64{0}}, Bad{0x3000, 0x1000}, Bad{0x10'0000, 0x2000},
          Bad{0x800, 0x1000}, Bad{0, 0x801}, Bad{~u64{0xfff}, 0x1000}, Bad{~u64{0xfff}, 0x2000}})
        EXPECT_FALSE(shared->map(PhysAddr(bad.base), bad.length)) << bad.base << " " << bad.length;
    Fd fd = std::move(*shared->share());
    EXPECT_NE(::ftruncate(fd.get(), 0), 0);  // sealed
}

}  // namespace
}  // namespace astra::vmm
