// `astra run` against the fake machine: stdio, statuses, signals, terminal, and every way a guest can end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/integration/launcher/astra_process.hpp"

namespace astra::tests {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;
using Stdio = AstraProcess::Stdio;

TEST(Run, PassesTheExitStatusOn) {
    for (int status : {0, 1, 77, 255}) EXPECT_EQ(run_astra({"exit", std::to_string(status)}).status, status);
    EXPECT_EQ(run_astra({"die", "11"}).status, 128 + 11);
    EXPECT_EQ(run_astra({"die", "134"}).status, 128 + 6);  // with a core dump
}

TEST(Run, KeepsStdoutAndStderrApart) {
    auto done = run_astra({"both"});
    EXPECT_EQ(done.out, "out\n");
    EXPECT_EQ(done.error, "err\n");
}

TEST(Run, CarriesStdinWholeAndItsEnd) {
    std::string data;
    for (int i = 0; i < 3'000'000; i++) data += static_cast<char>(i * 7 + i / 256);
    auto done = run_astra({"cat"}, data);
    EXPECT_EQ(done.status, 0);
    EXPECT_TRUE(done.out == data) << done.out.size();
    EXPECT_EQ(run_astra({"count"}).out, "0\n");
}

TEST(Run, DeliversMuchOutputToASlowReader) {
    AstraProcess process(run_words({"pour", "20000000"}));
    std::this_thread::sleep_for(300ms);
    auto done = process.finish();
    EXPECT_EQ(done.out.size(), 20'000'000u);
    EXPECT_EQ(done.status, 0);
}

TEST(Run, HandsOverArgumentsEnvironmentAndDirectory) {
    ::setenv("ASTRA_TEST_FROM_HOST", "from host", 1);
    auto done = run_astra({"-e", "A=1", "-eB=2", "--env=PATH=/only", "-e", "ASTRA_TEST_FROM_HOST", "-e",
                           "ASTRA_TEST_UNSET", "--workdir", "/tmp", "asked", "-x", "--", "--stats", ""});
    EXPECT_THAT(done.out, HasSubstr("cwd /tmp\n"));
    EXPECT_THAT(done.out, HasSubstr("arg -x\narg --\narg --stats\narg \n"));
    EXPECT_THAT(done.out,
                HasSubstr("env A=1\nenv B=2\nenv PATH=/only\nenv ASTRA_TEST_FROM_HOST=from host\n"));
    EXPECT_THAT(done.out, HasSubstr("env HOME=/root\n"));
    EXPECT_THAT(done.out, Not(HasSubstr("UNSET")));
    EXPECT_THAT(done.out, Not(HasSubstr("TERM=")));
    EXPECT_THAT(done.out, HasSubstr("terminal 0 "));
}

TEST(Run, TheLastOfRepeatedOptionsCounts) {
    EXPECT_EQ(
        run_astra({"--timeout", "1ms", "--timeout", "20s", "--stats=json", "--stats=table", "exit", "6"})
            .status,
        6);
}

TEST(Run, TellsProgramsThatAreNotThereFromThoseThatCannotRun) {
    auto missing = run_astra({"/bin/nothing"});
    EXPECT_EQ(missing.status, 127);
    EXPECT_THAT(missing.error, HasSubstr("astra: /bin/nothing: No such file or directory"));
    auto locked = run_astra({"/bin/locked"});
    EXPECT_EQ(locked.status, 126);
    EXPECT_THAT(locked.error, HasSubstr("Permission denied"));
}

TEST(Run, ForwardsSignals) {
    AstraProcess process(run_words({"signals", "5"}));
    ASSERT_TRUE(process.wait_for("ready\n"));
    std::string expected = "ready\n";
    for (int number : {SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
        process.signal(number);
        expected += "signal " + std::to_string(number) + "\n";
        ASSERT_TRUE(process.wait_for(expected));
    }
    EXPECT_EQ(process.finish().status, 0);
}

TEST(Run, SecondInterruptKills) {
    AstraProcess process(run_words({"signals", "100"}));
    ASSERT_TRUE(process.wait_for("ready\n"));
    process.signal(SIGINT);
    ASSERT_TRUE(process.wait_for("signal 2\n"));
    process.signal(SIGINT);
    EXPECT_EQ(process.finish().status, 130);
}

TEST(Run, SlowInterruptsAreAllForwarded) {
    AstraProcess process(run_words({"signals", "2"}));
    ASSERT_TRUE(process.wait_for("ready\n"));
    process.signal(SIGINT);
    ASSERT_TRUE(process.wait_for("signal 2\n"));
    std::this_thread::sleep_for(1100ms);
    process.signal(SIGINT);
    auto done = process.finish();
    EXPECT_EQ(done.status, 0);
    EXPECT_EQ(done.out, "ready\nsignal 2\nsignal 2\n");
}

TEST(Run, TimesOut) {
    auto begin = std::chrono::steady_clock::now();
    auto done = run_astra({"--timeout", "300ms", "hang"});
    EXPECT_EQ(done.status, 124);
    EXPECT_THAT(done.error, HasSubstr("did not end within 300 ms"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST(Run, AClosedStdoutEndsTheProgramLikeAPipeWriter) {
    for (auto stubborn : {"", "stubborn"}) {
        AstraProcess process(run_words({"pour", "0", stubborn}));
        ASSERT_TRUE(process.wait_for("yyyy"));
        process.close_output();
        auto done = process.finish();
        EXPECT_EQ(done.status, 141);
        EXPECT_EQ(done.error, "");
    }
}

TEST(Run, ReportsAPanicWithItsWords) {
    auto done = run_astra({"panic"});
    EXPECT_EQ(done.status, 125);
    EXPECT_THAT(done.error, HasSubstr("astra: the guest kernel panicked: page fault at 0x0\n"));
    EXPECT_THAT(done.error, HasSubstr("last calls: write"));
    EXPECT_THAT(done.error, Not(HasSubstr("\x1b")));
}

TEST(Run, ReportsTheMachinesDeathInOneLine) {
    auto killed = run_astra({"crash"});
    EXPECT_EQ(killed.status, 125);
    EXPECT_THAT(killed.error, HasSubstr("astra: qemu-system-x86_64 was killed by signal 9 (Killed)\n"));
    auto reset = run_astra({"reset"});
    EXPECT_EQ(reset.status, 125);
    EXPECT_THAT(reset.error, HasSubstr("the guest reset itself"));
}

TEST(Run, ReportsAGuestThatBreaksTheProtocol) {
    auto done = run_astra({"garbage"});
    EXPECT_EQ(done.status, 125);
    EXPECT_THAT(done.error, HasSubstr("control port"));
}

TEST(Run, ReportsTheEmulatorsOwnErrors) {
    auto done = run_astra({"--append", "fail-to-start", "exit", "0"});
    EXPECT_EQ(done.status, 125);
    EXPECT_EQ(done.error, "astra: qemu-system-x86_64: could not load kernel\n");
    EXPECT_EQ(run_astra({"--append", "die-at-boot", "exit", "0"}).status, 125);
    auto wrong = run_astra({"--append", "wrong-build", "exit", "0"});
    EXPECT_EQ(wrong.status, 125);
    EXPECT_THAT(wrong.error, HasSubstr("--kernel auto"));
}

TEST(Run, WarnsOfMemoryRunningOut) {
    auto done = run_astra({"oom"});
    EXPECT_EQ(done.status, 137);
    EXPECT_THAT(done.error, HasSubstr("ran out of memory and killed hog? (pid 7, 64 MiB resident)"));
}

TEST(Run, DoesNotWaitForAMachineThatLingers) {
    auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(run_astra({"linger"}).status, 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s);
}

TEST(Run, PrintsStatistics) {
    auto table = run_astra({"--stats", "exit", "3"});
    EXPECT_EQ(table.status, 3);
    EXPECT_EQ(table.out, "");
    EXPECT_THAT(table.error, testing::ContainsRegex("write +3 +0 +3.00 µs +1.00 µs"));
    EXPECT_THAT(table.error, testing::ContainsRegex("syscall #777 +2 +not implemented"));
    EXPECT_THAT(table.error, testing::ContainsRegex("page faults +42"));

    for (auto words : {std::vector<std::string>{"--stats=json"}, {"--stats", "-o", "json"}}) {
        words.insert(words.end(), {"exit", "3"});
        auto parsed = nlohmann::json::parse(run_astra(words).error);
        EXPECT_EQ(parsed["exit_status"], 3);
        EXPECT_EQ(parsed["result"], "exited");
        EXPECT_EQ(parsed["engine"], "qemu");
        EXPECT_EQ(parsed["program_ns"], 3'000'000);
        EXPECT_EQ(parsed["statistics"]["syscalls"][0]["name"], "write");
        EXPECT_EQ(parsed["statistics"]["counters"]["page_faults"], 42);
    }
}

TEST(Run, WritesStatisticsToAFile) {
    std::string path = testing::TempDir() + "astra-stats.json";
    auto done = run_astra({"-o", "json", "--stats-file", path, "exit", "0"});
    EXPECT_EQ(done.status, 0);
    EXPECT_EQ(done.error, "");
    std::ifstream file(path);
    EXPECT_EQ(nlohmann::json::parse(file)["exit_status"], 0);
    auto failed = run_astra({"--stats-file", "/nonexistent/x", "exit", "0"});
    EXPECT_EQ(failed.status, 125);
    EXPECT_THAT(failed.error, HasSubstr("/nonexistent/x"));
}

TEST(Run, SurvivesAGuestThatLiesAboutItsCounters) {
    auto done = run_astra({"--append", "bad-counters", "--stats", "exit", "4"});
    EXPECT_EQ(done.status, 4);
    EXPECT_THAT(done.error, HasSubstr("no statistics"));
}

TEST(Run, GivesATerminalWhenItHasOne) {
    AstraProcess process(run_words({"asked"}), Stdio::Terminal);
    auto done = process.finish();
    EXPECT_EQ(done.status, 0);
    EXPECT_THAT(done.out, HasSubstr("terminal 1 33x111"));
    EXPECT_THAT(done.out, HasSubstr("env TERM=test-terminal"));
}

TEST(Run, FollowsTheTerminalsSize) {
    AstraProcess process(run_words({"resize"}), Stdio::Terminal);
    ASSERT_TRUE(process.wait_for("ready"));
    EXPECT_FALSE(process.terminal_is_cooked());
    process.resize(40, 120);
    EXPECT_THAT(process.finish().out, HasSubstr("40x120"));
}

TEST(Run, PassesControlCharactersOnARawTerminal) {
    AstraProcess process(run_words({"--verbose", "cat"}), Stdio::Terminal);
    ASSERT_TRUE(process.wait_for("the program runs"));
    process.write("x\x03\x1a\x04");
    EXPECT_TRUE(process.wait_for("x\x03\x1a\x04"));
}

TEST(Run, TypesAnEndOfFileOnATerminalFedFromAFile) {
    auto done = run_astra({"--tty", "line"}, "hello");
    EXPECT_EQ(done.out, "hello\x04");
    EXPECT_THAT(run_astra({"--tty", "asked"}).out, HasSubstr("terminal 1 24x80"));
    EXPECT_THAT(run_astra({"--tty=off", "asked"}).out, HasSubstr("terminal 0"));
}

TEST(Run, RestoresTheTerminalOnEveryWayOut) {
    struct Way {
        std::vector<std::string> words;
        std::string keys;
        int signal;
    };
    for (const Way& way :
         {Way{{"exit", "0"}, "", 0}, Way{{"panic"}, "", 0}, Way{{"crash"}, "", 0},
          Way{{"hang"}, "\x1d\x1d\x1d", 0}, Way{{"signals", "1"}, "", SIGTERM}, Way{{"hang"}, "", SIGSEGV},
          Way{{"hang"}, "", SIGABRT}, Way{{"--timeout=300ms", "hang"}, "", 0},
          Way{{"--append", "fail-to-start", "exit", "0"}, "", 0}}) {
        auto words = way.words;
        words.insert(words.begin(), "--verbose");
        AstraProcess process(run_words(words), Stdio::Terminal);
        if (!way.keys.empty() || way.signal) { ASSERT_TRUE(process.wait_for("the program runs")); }
        process.write(way.keys);
        if (way.signal) process.signal(way.signal);
        EXPECT_NE(process.finish().status, -1) << way.words[0];
        EXPECT_TRUE(process.terminal_is_cooked()) << way.words[0] << " " << way.signal;
    }
}

TEST(Run, RefusesBadCommandLinesWithOneLineAndStatus125) {
    struct Case {
        std::vector<std::string> words;
        const char* says;
    };
    for (const Case& bad :
         {Case{{"run"}, "no program"}, Case{{"run", "ls"}, "--rootfs"},

          Case{{"run", "--rootfs", ASTRA_ROOTFS, "--image", "x", "ls"}, "both"},
          Case{{"run", "--image", "../x", "ls"}, "not an image's id"}, Case{{"run", "--rootfs"}, "--rootfs"},
          Case{{"run", "--bogus", "ls"}, "--bogus"}, Case{{"run", "--engine", "vmware", "ls"}, "vmware"},
          Case{{"run", "--cpus", "x", "ls"}, "x"},
          Case{{"run", "--rootfs", ASTRA_ROOTFS, "--cpus", "0", "ls"}, "0 CPUs"},
          Case{{"run", "--rootfs", ASTRA_ROOTFS, "--cpus", "9", "ls"}, "9 CPUs"},
          Case{{"run", "--rootfs", ASTRA_ROOTFS, "--memory", "1M", "ls"}, "1 MiB"},
          Case{{"run", "--rootfs", ASTRA_ROOTFS, "--workdir", "tmp", "ls"}, "not absolute"},
          Case{{"run", "--rootfs", ASTRA_ROOTFS, "--kernel", "/nonexistent", "ls"}, "/nonexistent"},
          Case{{"run", "--memory", "lots", "ls"}, "lots"}, Case{{"run", "--timeout", "0", "ls"}, "duration"},
          Case{{"run", "--tty=maybe", "ls"}, "maybe"}, Case{{"run", "--stats=xml", "ls"}, "xml"},
          Case{{"run", "-e", "=x", "ls"}, "=x"}, Case{{"run", "--", ""}, "no program"}}) {
        AstraProcess process(bad.words);
        auto done = process.finish();
        EXPECT_EQ(done.status, 125) << done.error;
        EXPECT_EQ(done.out, "");
        EXPECT_TRUE(done.error.starts_with("astra: ")) << done.error;
        EXPECT_THAT(done.error, HasSubstr(bad.says));
        EXPECT_LE(std::ranges::count(done.error, '\n'), 2) << done.error;
    }
}

TEST(Run, RefusesWhatIsNoImage) {
    for (auto path : {"/tmp", "/etc/passwd", "/nonexistent.tar"}) {
        auto done = run_astra({"--rootfs", path, "exit", "0"});
        EXPECT_EQ(done.status, 125);
        EXPECT_TRUE(done.error.starts_with(std::string("astra: ") + path + ": ")) << done.error;
    }
    AstraProcess process(
        {"run", "--engine", "qemu-tcg", "--kernel", ASTRA_PROGRAM, "--image", std::string(64, '0'), "ls"});
    auto done = process.finish();
    EXPECT_EQ(done.status, 125);
    EXPECT_THAT(done.error, HasSubstr("there is no image 000"));
}

TEST(Run, RefusesArgumentsThatDoNotFit) {
    auto done = run_astra({"asked", std::string(70'000, 'x')});
    EXPECT_EQ(done.status, 125);
    EXPECT_THAT(done.error, HasSubstr("arguments and environment take"));
}

TEST(Commands, AnswerOrRefuse) {
    struct Case {
        std::vector<std::string> words;
        int status;
    };
    for (const Case& c : {Case{{}, 2}, Case{{"bogus"}, 2}, Case{{"--bogus"}, 2}, Case{{"--help"}, 0},
                          Case{{"run", "--help"}, 0}, Case{{"version"}, 0}, Case{{"version", "x"}, 2},
                          Case{{"doctor", "-o", "yaml"}, 2}}) {
        AstraProcess process(c.words);
        auto done = process.finish();
        EXPECT_EQ(done.status, c.status) << (c.words.empty() ? "" : c.words[0]);
        EXPECT_EQ(done.out.empty(), c.status != 0);
    }
}

TEST(Commands, DoctorsJsonParses) {
    AstraProcess process({"doctor", "-o", "json"});
    auto parsed = nlohmann::json::parse(process.finish().out);
    EXPECT_TRUE(parsed["can_run"].is_boolean());
    EXPECT_GE(parsed["findings"].size(), 6u);
}

}  // namespace
}  // namespace astra::tests
