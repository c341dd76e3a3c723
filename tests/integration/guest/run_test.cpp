// `astra run` with a real guest: the same promises as against the fake machine, kept by the real kernel and
// engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/guest/guest_test.hpp"

namespace astra::tests {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;
using Stdio = AstraProcess::Stdio;

Finished shell(std::string script, std::string_view input = {}) {
    return run({"sh", "-c", std::move(script)}, input);
}

using Guest = GuestTest;

TEST_F(Guest, SaysHello) {
    auto done = run({"/bin/echo", "hello", "from the guest"});
    EXPECT_EQ(done.status, 0);
    EXPECT_EQ(done.out, "hello from the guest\n");
    EXPECT_EQ(done.error, "");
}

TEST_F(Guest, PassesStatusAndStreamsOn) {
    auto done = shell("echo out; echo err >&2; exit 5");
    EXPECT_EQ(done.status, 5);
    EXPECT_EQ(done.out, "out\n");
    EXPECT_EQ(done.error, "err\n");
    EXPECT_EQ(shell("kill -SEGV $$").status, 128 + SIGSEGV);
    EXPECT_EQ(shell("kill -KILL $$").status, 128 + SIGKILL);
}

TEST_F(Guest, CarriesStdinWhole) {
    std::string data;
    for (int i = 0; i < 1'000'000; i++) data += static_cast<char>(i * 7 + i / 256);
    auto done = run({"cat"}, data);
    EXPECT_EQ(done.status, 0);
    EXPECT_TRUE(done.out == data) << done.out.size();
    EXPECT_EQ(run({"wc", "-c"}).out, "0\n");
}

TEST_F(Guest, FindsProgramsInPathOrSaysSo) {
    EXPECT_EQ(run({"true"}).status, 0);
    auto missing = run({"no-such-program"});
    EXPECT_EQ(missing.status, 127);
    EXPECT_EQ(missing.error, "astra: no-such-program: No such file or directory\n");
    EXPECT_EQ(run({"/bin/no-such-program"}).status, 127);
    EXPECT_EQ(run({"/etc"}).status, 126);
    EXPECT_EQ(run({"/etc/passwd"}).status, 126);
}

TEST_F(Guest, SetsEnvironmentAndDirectory) {
    auto done = run({"-e", "COLOUR=green", "--workdir", "/etc", "sh", "-c", "echo $COLOUR $HOME; pwd"});
    EXPECT_EQ(done.out, "green /root\n/etc\n");
    auto nowhere = run({"--workdir", "/nowhere", "pwd"});
    EXPECT_EQ(nowhere.status, 127);
}

TEST_F(Guest, ForwardsSignals) {
    AstraProcess process(
        words({"sh", "-c", "trap 'echo got TERM; exit 7' TERM; echo ready; while :; do sleep 0.1; done"}));
    ASSERT_TRUE(process.wait_for("ready\n"));
    process.signal(SIGTERM);
    auto done = process.finish(60s);
    EXPECT_EQ(done.out, "ready\ngot TERM\n");
    EXPECT_EQ(done.status, 7);
}

TEST_F(Guest, AnUnhandledInterruptEndsTheProgram) {
    AstraProcess process(words({"sh", "-c", "echo ready; exec sleep 100"}));
    ASSERT_TRUE(process.wait_for("ready\n"));
    std::this_thread::sleep_for(300ms);
    process.signal(SIGINT);
    EXPECT_EQ(process.finish(60s).status, 130);
}

TEST_F(Guest, DiesWithItsReader) {
    AstraProcess process(words({"yes"}));
    ASSERT_TRUE(process.wait_for("y\ny\n"));
    process.close_output();
    EXPECT_EQ(process.finish(60s).status, 141);
}

TEST_F(Guest, TimesOut) {
    auto done = run({"--timeout", "2s", "sleep", "100"});
    EXPECT_EQ(done.status, 124);
}

TEST_F(Guest, CountsSystemCalls) {
    auto done = run({"--stats=json", "sh", "-c", "echo x; cat /etc/passwd >/dev/null; exit 3"});
    auto parsed = nlohmann::json::parse(done.error);
    EXPECT_EQ(parsed["exit_status"], 3);
    EXPECT_GT(parsed["boot_ns"], 0);
    EXPECT_GT(parsed["program_ns"], 0);
    bool saw_write = false;
    for (const auto& row : parsed["statistics"]["syscalls"]) {
        EXPECT_LE(row["p50_ns"], row["p99_ns"]);
        EXPECT_LE(row["p99_ns"], row["max_ns"]);
        EXPECT_LE(row["errors"], row["calls"]);
        if (row["name"] == "write") saw_write = row["calls"] >= 1 && row["total_ns"] > 0;
    }
    EXPECT_TRUE(saw_write);
    EXPECT_GT(parsed["statistics"]["counters"]["page_faults"], 0);
}

TEST_F(Guest, RunsOnSeveralCpus) {
    for (auto cpus : {"2", "4"}) {
        auto done = run({"--cpus", cpus, "sh", "-c", "for i in 1 2 3 4; do (echo $i) & done; wait; nproc"});
        EXPECT_EQ(done.status, 0);
        EXPECT_THAT(done.out, HasSubstr(std::string(cpus) + "\n"));
    }
}

TEST_F(Guest, HasATerminal) {
    AstraProcess process(words({"sh", "-c", "tty; stty size; echo $TERM; read line; echo got $line"}),
                         Stdio::Terminal);
    ASSERT_TRUE(process.wait_for("test-terminal"));
    process.write("typed\r");
    auto done = process.finish(60s);
    EXPECT_EQ(done.status, 0);
    EXPECT_THAT(done.out, HasSubstr("/dev/"));
    EXPECT_THAT(done.out, HasSubstr("33 111"));
    EXPECT_THAT(done.out, HasSubstr("typed\r\ngot typed\r\n"));
    EXPECT_TRUE(process.terminal_is_cooked());
}

TEST_F(Guest, InterruptsOnItsTerminal) {
    AstraProcess process(words({"sh", "-c", "echo ready; exec sleep 100"}), Stdio::Terminal);
    ASSERT_TRUE(process.wait_for("ready"));
    std::this_thread::sleep_for(300ms);
    process.write("\x03");
    EXPECT_EQ(process.finish(60s).status, 130);
    EXPECT_TRUE(process.terminal_is_cooked());
}

TEST_F(Guest, LeavesNothingBehind) {
    // The machine dies with its launcher, even when that is killed outright.
    AstraProcess process(words({"--verbose", "sh", "-c", "echo ready; exec sleep 1000"}));
    ASSERT_TRUE(process.wait_for("ready\n"));
    int machine = process.only_child();
    ASSERT_GT(machine, 0);
    process.signal(SIGKILL);
    EXPECT_EQ(process.finish(60s).status, 1000 + SIGKILL);
    for (int i = 0; i < 500 && ::kill(machine, 0) == 0; i++) std::this_thread::sleep_for(10ms);
    EXPECT_NE(::kill(machine, 0), 0);
}

}  // namespace
}  // namespace astra::tests
