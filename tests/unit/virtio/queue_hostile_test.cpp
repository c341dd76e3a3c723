// Drivers that lie: every lie needs a reset, none crashes or hangs the device.
#include "tests/unit/virtio/echo.hpp"

namespace astra::vmm::test {
namespace {

using namespace abi::virtio;

struct HostileQueueTest : QueueTest {
    /// Offers what the test laid out at descriptor `head` and expects the device to call it a fault.
    void expect_broken(u16 head = 0) {
        ring().offer(head);
        driver.kick(0);
        EXPECT_TRUE(driver.broken());
        EXPECT_TRUE(echo.seen.empty());
        EXPECT_EQ(ring().used_index(), 0);
        ASSERT_EQ(driver.faults.size(), 1u);
        EXPECT_EQ(driver.take_interrupt(), u32{mmio::kConfigChange});
        // Until the reset nothing moves; afterwards everything does.
        ring().add_text("ignored");
        driver.kick(0);
        EXPECT_TRUE(echo.seen.empty());
        start();
        ring().add_text("served");
        driver.kick(0);
        EXPECT_EQ(echo.seen, (std::vector<std::string>{"served"}));
        EXPECT_EQ(driver.faults.size(), 1u);
    }
};

TEST_F(HostileQueueTest, HeadOutsideTheTable) {
    start();
    expect_broken(8);
}

TEST_F(HostileQueueTest, NextOutsideTheTable) {
    start();
    ring().put_descriptor(0, {Memory::kRam, 1, kDescNext, 0xffff});
    expect_broken();
}

TEST_F(HostileQueueTest, Loop) {
    start();
    ring().put_descriptor(0, {Memory::kRam, 1, kDescNext, 1});
    ring().put_descriptor(1, {Memory::kRam, 1, kDescNext, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, LoopOfEmptyBuffers) {
    start();
    ring().put_descriptor(0, {0, 0, kDescNext, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, LoopInAnIndirectTable) {
    start(kFeatureIndirectDesc);
    u64 table = driver.memory.allocate(sizeof(Descriptor));
    driver.memory.put(table, Descriptor{Memory::kRam, 1, kDescNext, 0});
    ring().put_descriptor(0, {table, 16, kDescIndirect, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, AvailableIndexFarAhead) {
    start();
    ring().next_available = 8;
    expect_broken();
}

TEST_F(HostileQueueTest, AvailableIndexGoesBack) {
    start();
    ring().next_available = static_cast<u16>(-2);
    expect_broken();
}

TEST_F(HostileQueueTest, BufferOutsideMemory) {
    start();
    ring().put_descriptor(0, {0, 16, 0, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, BufferAcrossTheEndOfMemory) {
    start();
    ring().put_descriptor(0, {Memory::kRam + Memory::kRamSize - 8, 16, kDescWrite, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, BufferThatWrapsTheAddressSpace) {
    start();
    ring().put_descriptor(0, {~u64{0} - 8, 0xffff'ffff, 0, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, WritableBufferInReadOnlyMemory) {
    start();
    ring().put_descriptor(0, {Memory::kRom, 16, kDescWrite, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, ReadableAfterWritable) {
    start();
    ring().put_descriptor(0, {Memory::kRam, 16, kDescWrite | kDescNext, 1});
    ring().put_descriptor(1, {Memory::kRam, 16, 0, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, ChainOfMoreThanFourGigabytes) {
    constexpr u64 kBase = 0x1'0000'0000, kSize = 0x8000'0000;  // address space only: nobody touches it
    Mapping large(::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
                  kSize);
    ASSERT_TRUE(driver.memory.guest.add({PhysAddr(kBase), large.span(), true}));
    start();
    ring().put_descriptor(0, {kBase, kSize, kDescNext, 1});
    ring().put_descriptor(1, {kBase, kSize, 0, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, IndirectWithoutTheFeature) {
    start();
    ring().put_descriptor(0, {Memory::kRam, 16, kDescIndirect, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, IndirectWithNext) {
    start(kFeatureIndirectDesc);
    ring().put_descriptor(0, {Memory::kRam, 16, kDescIndirect | kDescNext, 1});
    expect_broken();
}

TEST_F(HostileQueueTest, IndirectInIndirect) {
    start(kFeatureIndirectDesc);
    u64 table = driver.memory.allocate(sizeof(Descriptor));
    driver.memory.put(table, Descriptor{table, 16, kDescIndirect, 0});
    ring().put_descriptor(0, {table, 16, kDescIndirect, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, IndirectTableOfOddLength) {
    start(kFeatureIndirectDesc);
    ring().put_descriptor(0, {Memory::kRam, 24, kDescIndirect, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, EmptyIndirectTable) {
    start(kFeatureIndirectDesc);
    ring().put_descriptor(0, {Memory::kRam, 0, kDescIndirect, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, IndirectTableOutsideMemory) {
    start(kFeatureIndirectDesc);
    ring().put_descriptor(0, {Memory::kRam - 16, 32, kDescIndirect, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, IndirectChainLongerThanTheQueue) {
    start(kFeatureIndirectDesc);
    u64 table = driver.memory.allocate(9 * sizeof(Descriptor));
    for (u16 i = 0; i < 9; ++i)
        driver.memory.put(table + 16 * i, Descriptor{Memory::kRam, 1, static_cast<u16>(i < 8 ? kDescNext : 0),
                                                     static_cast<u16>(i + 1)});
    ring().put_descriptor(0, {table, 9 * 16, kDescIndirect, 0});
    expect_broken();
}

TEST_F(HostileQueueTest, RandomRingsNeverCrashNorHang) {
    u64 state = 0x9e3779b97f4a7c15;
    auto random = [&] {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return state;
    };
    for (int round = 0; round < 3000; ++round) {
        driver.memory.clear();
        start(kFeatureIndirectDesc | kFeatureEventIdx);
        for (u64 at = ring().table; at < ring().used + used_ring_bytes(8); at += 8)
            driver.memory.put(at, random());
        for (u16 i = 0; i < 8; ++i)  // plausible enough to get past the first check now and then
            ring().put_descriptor(
                i, {Memory::kRam + random() % Memory::kRamSize, static_cast<u32>(random() % 64) * 16,
                    static_cast<u16>(random() % 8), static_cast<u16>(random() % 9)});
        for (u16 i = 0; i < 8; ++i)
            driver.memory.put<u16>(ring().available + kRingEntries + 2 * i, random() % 9);
        driver.memory.put<u16>(ring().available + kRingIndex, random() % 10);
        driver.kick(0);
    }
    EXPECT_FALSE(echo.seen.empty());
    EXPECT_GT(driver.faults.size(), 1000u);
}

}  // namespace
}  // namespace astra::vmm::test
