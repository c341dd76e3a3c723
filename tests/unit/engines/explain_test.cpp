// What a person is told about a machine's end, and the log lines behind it.
#include "vmm/engines/explain.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vmm/engines/log_tap.hpp"
#include "vmm/engines/wiring.hpp"

namespace astra::vmm {
namespace {

using control::Outcome;
using testing::HasSubstr;

EndFacts facts(MachineEnd end, int wait_status = 0) {
    EndFacts known;
    known.end = end;
    known.wait_status = wait_status;
    known.program = "astra-vmm";
    known.kernel_name = "flat";
    return known;
}

TEST(Explain, NamesTheCause) {
    EXPECT_THAT(explain_end(facts(MachineEnd::Killed, 9)).message,
                HasSubstr("astra-vmm was killed by signal 9"));
    EXPECT_THAT(explain_end(facts(MachineEnd::Killed, 9)).hint, HasSubstr("memory"));
    EXPECT_THAT(explain_end(facts(MachineEnd::Failed, 1 << 8)).message, HasSubstr("status 1"));
    EXPECT_THAT(explain_end(facts(MachineEnd::WrongBuild)).message, HasSubstr("flat"));
    EXPECT_THAT(explain_end(facts(MachineEnd::Reset)).message, HasSubstr("triple fault"));
    EndFacts failed = facts(MachineEnd::Failed, 1 << 8);
    failed.errors = {"astra-vmm: warning: slow", "astra-vmm: cannot open /dev/kvm",
                     "astra-vmm: hint: load it", ""};
    EXPECT_EQ(explain_end(failed).message, "astra-vmm: cannot open /dev/kvm");
    EXPECT_EQ(explain_end(failed).hint, "load it");
    EndFacts died = facts(MachineEnd::VcpuDied, 4 << 8);
    died.errors = {"astra-vmm: CPU 0: triple fault", "rip=1 rsp=2"};
    EXPECT_EQ(explain_end(died).message, "a virtual CPU could not go on: CPU 0: triple fault");
    EXPECT_EQ(explain_end(died).report, "CPU 0: triple fault\nrip=1 rsp=2\n");
}

TEST(Explain, PanicsCarryTheirReport) {
    EndFacts panicked = facts(MachineEnd::Panic);
    panicked.log = "last line of the log\nmore\n";
    auto outcome = explain_end(panicked);
    EXPECT_EQ(outcome.kind, Outcome::Kind::Panicked);
    EXPECT_EQ(outcome.message, "the guest kernel panicked: last line of the log");
    panicked.end = MachineEnd::Killed;  // it could not even leave
    panicked.panicked = true;
    panicked.panic_report = "double fault\nrax";
    EXPECT_EQ(explain_end(panicked).report, "double fault\nrax");
}

TEST(LogTap, CutsLinesAndMakesThemSafe) {
    Ends pipe = *make_pipe();
    std::vector<std::string> lines;
    LogTap tap(std::move(pipe.ours), [&](std::string_view line) { lines.emplace_back(line); });
    auto say = [&](std::string_view text) {
        ASSERT_EQ(::write(pipe.theirs.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    };
    say("one\r\ntw");
    EXPECT_EQ(tap.drain(), LogTap::Source::Open);
    say("o\n\x1b[31mred\x07\n" + std::string(LogTap::kMaxLine + 1, 'x') + "\nend\n\n");
    EXPECT_EQ(tap.drain(), LogTap::Source::Open);
    EXPECT_EQ(tap.last_line(), "end");
    say("unfinished");
    pipe.theirs.reset();
    while (tap.drain() == LogTap::Source::Open) {}
    EXPECT_THAT(lines, testing::ElementsAre("one", "two", "?[31mred?", std::string(LogTap::kMaxLine, 'x'),
                                            "x", "end", "", "unfinished"));
}

TEST(LogTap, KeepsOnlyTheNewestLines) {
    Ends pipe = *make_pipe();
    LogTap tap(std::move(pipe.ours), [](std::string_view) {});
    for (int i = 0; i < 200; i++) ASSERT_GT(::dprintf(pipe.theirs.get(), "%d\n", i), 0);
    EXPECT_EQ(tap.drain(), LogTap::Source::Open);
    EXPECT_EQ(tap.lines().size(), LogTap::kKeptLines);
    EXPECT_EQ(tap.lines().back(), "199");
}

}  // namespace
}  // namespace astra::vmm
