// Statistics as people and programs read them.
#include "cli/statistics_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace astra::cli {
namespace {

TEST(FormatTime, PicksTheUnit) {
    EXPECT_EQ(format_time(0), "0 ns");
    EXPECT_EQ(format_time(999), "999 ns");
    EXPECT_EQ(format_time(1250), "1.25 µs");
    EXPECT_EQ(format_time(123'456), "123.5 µs");
    EXPECT_EQ(format_time(3'400'000), "3.40 ms");
    EXPECT_EQ(format_time(2'100'000'000), "2.10 s");
    EXPECT_EQ(format_time(~uint64_t{0}), "18446744073.7 s");
}

control::Outcome sample() {
    control::Outcome outcome{.kind = control::Outcome::Kind::Signalled, .value = 11};
    outcome.engine = "kvm";
    outcome.kernel = "flat";
    control::Statistics statistics;
    statistics.syscalls.push_back({"write", 5, 1, 5000, 1000, 900, 1500, 1600, 10});
    statistics.unknown.push_back({999, 3});
    statistics.counters = {{"page_faults", 7}, {"cow_copies", 0}, {"idle_ns", 2'000'000}};
    outcome.statistics = statistics;
    return outcome;
}

TEST(StatisticsFormat, Json) {
    auto json = to_json(sample(), 139);
    EXPECT_EQ(json["result"], "signalled");
    EXPECT_EQ(json["signal"], 11);
    EXPECT_EQ(json["exit_status"], 139);
    EXPECT_EQ(json["statistics"]["syscalls"][0]["p99_ns"], 1500);
    EXPECT_EQ(json["statistics"]["unknown_syscalls"][0]["number"], 999);
    EXPECT_EQ(json["statistics"]["counters"]["cow_copies"], 0);
    EXPECT_TRUE(to_json(control::Outcome{}, 125)["statistics"].is_null());
}

TEST(StatisticsFormat, Table) {
    std::string table = to_table(*sample().statistics);
    EXPECT_THAT(table,
                testing::ContainsRegex("write +5 +1 +5.00 µs +1.00 µs +900 ns +1.50 µs +1.60 µs +10 ns\n"));
    EXPECT_THAT(table, testing::ContainsRegex("syscall #999 +3 "));
    EXPECT_THAT(table, testing::ContainsRegex("page faults +7\n"));
    EXPECT_THAT(table, testing::ContainsRegex("idle +2.00 ms\n"));
    EXPECT_THAT(table, testing::Not(testing::HasSubstr("cow")));
}

}  // namespace
}  // namespace astra::cli
