// Rates between two readings, also of a guest that lies.
#include "vmm/control/rates.hpp"

#include <gtest/gtest.h>

namespace astra::vmm {
namespace {

control::SyscallStatistics row(const char* name, uint64_t calls, uint64_t errors,
                               std::vector<uint64_t> histogram) {
    return {.name = name,
            .calls = calls,
            .errors = errors,
            .total_ns = calls * 100,
            .max_ns = 5000,
            .blocked_ns = calls * 10,
            .histogram = std::move(histogram)};
}

TEST(Rates, AreOfTheCallsInBetween) {
    auto rows =
        since({row("read", 10, 1, {0, 10}), row("open", 5, 5, {5, 0})},
              {row("open", 5, 5, {5, 0}), row("read", 14, 2, {0, 10, 0, 0, 4}), row("write", 7, 0, {7, 0})});
    ASSERT_EQ(rows.size(), 2u);  // open was not called
    EXPECT_EQ(rows[0].name, "write");
    EXPECT_EQ(rows[0].calls, 7u);
    EXPECT_EQ(rows[1].name, "read");
    EXPECT_EQ(rows[1].calls, 4u);
    EXPECT_EQ(rows[1].errors, 1u);
    EXPECT_EQ(rows[1].total_ns, 400u);
    EXPECT_EQ(rows[1].blocked_ns, 40u);
    EXPECT_EQ(rows[1].mean_ns, 100u);
    EXPECT_GE(rows[1].p50_ns, 16u);  // not the old calls' 2 ns
    EXPECT_LE(rows[1].p99_ns, 32u);
}

TEST(Rates, NeverRunBackwards) {
    auto rows = since({row("read", 10, 9, {3, 10})}, {row("read", 11, 2, {1, 2})});
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].calls, 1u);
    EXPECT_EQ(rows[0].errors, 0u);
    EXPECT_EQ(rows[0].p50_ns, 0u);
    EXPECT_TRUE(since({row("read", 10, 0, {10})}, {row("read", 3, 0, {3})}).empty());
}

TEST(Rates, AddUp) {
    auto all = total({row("a", 1, 1, {1}), row("b", 9, 0, {0, 0, 0, 9})});
    EXPECT_EQ(all.calls, 10u);
    EXPECT_EQ(all.errors, 1u);
    EXPECT_EQ(all.mean_ns, 100u);
    EXPECT_GE(all.p50_ns, 8u);
    EXPECT_EQ(total({}).p99_ns, 0u);
}

}  // namespace
}  // namespace astra::vmm
