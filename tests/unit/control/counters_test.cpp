// The counters reader: sums, percentiles, and regions that lie.
#include "vmm/control/counters.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "guest_kernel/abi/counters.hpp"

namespace astra::vmm {
namespace {

using namespace abi::counters;

/// A region for `cpus` CPUs, page-aligned, zeroed, with a good head.
class Region {
  public:
    explicit Region(usize cpus) : bytes_(region_bytes(cpus) / 8) {
        head().magic = kMagic;
        head().version = kVersion;
    }
    Head& head() { return *reinterpret_cast<Head*>(bytes_.data()); }
    CpuCounters& cpu(usize i) {
        return *reinterpret_cast<CpuCounters*>(reinterpret_cast<u8*>(bytes_.data()) + kHeadBytes +
                                               i * kCpuStride);
    }
    std::span<u8> span() { return {reinterpret_cast<u8*>(bytes_.data()), bytes_.size() * 8}; }

  private:
    std::vector<u64> bytes_;
};

u64 counter(const control::Statistics& statistics, std::string_view name) {
    auto found = std::ranges::find(statistics.counters, name, &control::NamedCounter::name);
    return found == statistics.counters.end() ? ~u64{0} : found->value;
}

TEST(CountersReader, SumsTheCpus) {
    Region region(2);
    for (usize i = 0; i < 2; i++) {
        region.cpu(i).page_faults = 10 + i;
        Syscall& write = region.cpu(i).syscalls[1];
        write.calls = 4;
        write.errors = 1;
        write.total_ns = 4000;
        write.max_ns = 1500 + i;
        write.blocked_ns = 100;
        write.histogram[9] = 2;
        write.histogram[10] = 2;
    }
    region.cpu(1).unknown[5] = {9999, 3};
    region.cpu(0).unknown[0] = {9999, 1};
    region.cpu(0).unknown[1] = {500, 2};
    auto statistics = CountersReader(region.span()).read();
    ASSERT_TRUE(statistics);
    ASSERT_EQ(statistics->syscalls.size(), 1u);
    const auto& row = statistics->syscalls[0];
    EXPECT_EQ(row.name, "write");
    EXPECT_EQ(row.calls, 8u);
    EXPECT_EQ(row.errors, 2u);
    EXPECT_EQ(row.total_ns, 8000u);
    EXPECT_EQ(row.mean_ns, 1000u);
    EXPECT_EQ(row.max_ns, 1501u);
    EXPECT_EQ(row.blocked_ns, 200u);
    EXPECT_EQ(row.p50_ns, 1024u);
    EXPECT_EQ(row.p99_ns, 1501u);
    ASSERT_EQ(statistics->unknown.size(), 2u);
    EXPECT_EQ(statistics->unknown[0].number, 500u);
    EXPECT_EQ(statistics->unknown[1].number, 9999u);
    EXPECT_EQ(statistics->unknown[1].calls, 4u);
    EXPECT_EQ(counter(*statistics, "page_faults"), 21u);
    EXPECT_EQ(counter(*statistics, "cow_copies"), 0u);
}

TEST(CountersReader, PutsTheMostTimeFirst) {
    Region region(1);
    auto& syscalls = region.cpu(0).syscalls;
    syscalls[0].calls = 9, syscalls[0].total_ns = 10;
    syscalls[1].calls = 1, syscalls[1].total_ns = 1000;
    auto statistics = CountersReader(region.span()).read();
    ASSERT_TRUE(statistics);
    EXPECT_EQ(statistics->syscalls[0].name, "write");
}

TEST(CountersReader, BelievesNoSizeInTheRegion) {
    Region region(1);
    region.head().cpus = 0xffffffff;
    region.head().cpu_stride = 0x7fffffff;
    region.head().syscall_rows = 0xffffffff;
    region.cpu(0).syscalls[0].calls = 1;
    auto statistics = CountersReader(region.span()).read();
    ASSERT_TRUE(statistics);
    EXPECT_EQ(statistics->syscalls.size(), 1u);
}

TEST(CountersReader, RefusesForeignRegions) {
    std::vector<u64> tiny(16);
    std::span<u8> bytes(reinterpret_cast<u8*>(tiny.data()), 128);
    EXPECT_FALSE(CountersReader(bytes).read());
    EXPECT_FALSE(CountersReader(bytes).set_timing(true));
    EXPECT_FALSE(CountersReader({}).read());
    Region region(1);
    region.head().magic = 1;
    EXPECT_FALSE(CountersReader(region.span()).read());
    region.head().magic = kMagic;
    region.head().version = 2;
    EXPECT_FALSE(CountersReader(region.span()).read());
}

TEST(CountersReader, TakesAnyGarbageInTheCells) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 20; round++) {
        Region region(2);
        for (usize i = 0; i < 2; i++) {
            auto* cells = reinterpret_cast<u64*>(&region.cpu(i));
            for (usize n = 0; n < sizeof(CpuCounters) / 8; n++) cells[n] = round == 0 ? ~u64{0} : random();
        }
        auto statistics = CountersReader(region.span()).read();
        ASSERT_TRUE(statistics);
        for (const auto& row : statistics->syscalls) EXPECT_LE(row.p99_ns, row.max_ns);
        EXPECT_LE(statistics->unknown.size(), 2 * kUnknownSlots);
    }
}

TEST(CountersReader, SetsOnlyTheTimingBit) {
    Region region(1);
    region.head().control = 0x80;
    EXPECT_TRUE(CountersReader(region.span()).set_timing(true));
    EXPECT_EQ(region.head().control, 0x80u | kTiming);
    EXPECT_TRUE(CountersReader(region.span()).set_timing(false));
    EXPECT_EQ(region.head().control, 0x80u);
}

TEST(Percentile, LiesInsideItsBucket) {
    std::vector<u64> histogram(kHistogramBuckets);
    EXPECT_EQ(percentile(histogram, 0.5, 100), 0u);
    histogram[3] = 100;  // 8..16 ns
    EXPECT_EQ(percentile(histogram, 0.5, 1000), 12u);
    EXPECT_EQ(percentile(histogram, 0.5, 9), 9u);
    histogram[20] = 1;
    EXPECT_LT(percentile(histogram, 0.5, ~u64{0}), 16u);
    EXPECT_GE(percentile(histogram, 0.999, ~u64{0}), u64{1} << 20);
    histogram[kHistogramBuckets - 1] = ~u64{0};
    EXPECT_LE(percentile(histogram, 0.99, ~u64{0}), u64{1} << kHistogramBuckets);
}

}  // namespace
}  // namespace astra::vmm
