// Units on the command line.
#include "cli/parse.hpp"

#include <gtest/gtest.h>

namespace astra::cli {
namespace {

TEST(ParseDuration, TakesTheUsualUnits) {
    struct Case {
        const char* text;
        int64_t ms;
    };
    for (Case c : {Case{"1", 1000}, Case{"0.5", 500}, Case{"250ms", 250}, Case{"10s", 10'000},
                   Case{"2m", 120'000}, Case{"1h", 3'600'000}, Case{"1.5S", 1500}}) {
        auto parsed = parse_duration(c.text);
        ASSERT_TRUE(parsed) << c.text;
        EXPECT_EQ(parsed->count(), c.ms) << c.text;
    }
}

TEST(ParseDuration, RefusesEverythingElse) {
    for (auto text : {"", " ", "s", "-1", "+1", "0", "0.1ms", "1 s", "1d", "1e3", "nan", "inf", "1s ", "1ss",
                      "0x10", "99999999999999999999h", "9000h"}) {
        auto parsed = parse_duration(text);
        EXPECT_FALSE(parsed) << text;
    }
}

TEST(ParseMemory, TakesTheUsualUnits) {
    struct Case {
        const char* text;
        uint64_t mib;
    };
    for (Case c : {Case{"512", 512}, Case{"512M", 512}, Case{"2g", 2048}, Case{"1.5GiB", 1536},
                   Case{"1025K", 2}, Case{"1T", 1048576}, Case{"64mb", 64}}) {
        auto parsed = parse_memory_mib(c.text);
        ASSERT_TRUE(parsed) << c.text;
        EXPECT_EQ(*parsed, c.mib) << c.text;
    }
}

TEST(ParseMemory, RefusesEverythingElse) {
    for (auto text : {"", "M", "0", "-5M", "12q", "1e9", "512 M", "17T", "99999999999999999999999"})
        EXPECT_FALSE(parse_memory_mib(text)) << text;
}

TEST(ParseEnvironment, TakesValuesFromHereOrThere) {
    ::setenv("ASTRA_TEST_X", "y", 1);
    ::unsetenv("ASTRA_TEST_NONE");
    EXPECT_EQ(*parse_environment("A=b=c"), "A=b=c");
    EXPECT_EQ(*parse_environment("A="), "A=");
    EXPECT_EQ(*parse_environment("ASTRA_TEST_X"), "ASTRA_TEST_X=y");
    EXPECT_EQ(*parse_environment("ASTRA_TEST_NONE"), "");
    EXPECT_FALSE(parse_environment(""));
    EXPECT_FALSE(parse_environment("=x"));
}

}  // namespace
}  // namespace astra::cli
