// Split virtqueues: order, direction, EVENT_IDX both ways, indirect descriptors, and drivers that lie.
#include "vmm/virtio/queue.hpp"

#include "tests/unit/virtio/driver.hpp"

namespace astra::vmm::test {
namespace {

using namespace abi::virtio;

/// Copies what a request lets it read into what it lets it write; refuses while `blocked`.
struct Echo final : virtio::Device {
    [[nodiscard]] std::string_view label() const override { return "virtio-echo"; }
    [[nodiscard]] DeviceId id() const override { return DeviceId::Balloon; }
    [[nodiscard]] u64 features() const override { return 0; }
    [[nodiscard]] std::span<const u16> queue_sizes() const override { return sizes; }
    void activate() override {}
    void reset() override {}
    void notified(u16 queue) override {
        ++visits;
        serve(queue, [this](virtio::Chain& chain) -> std::optional<u32> {
            if (blocked) return std::nullopt;
            std::string text(chain.readable_bytes(), '\0');
            std::span<u8> bytes{reinterpret_cast<u8*>(text.data()), text.size()};
            EXPECT_EQ(chain.copy_out(0, bytes), text.size());
            seen.push_back(text);
            if (on_request) on_request();
            return static_cast<u32>(chain.copy_in(0, bytes));
        });
    }
    static constexpr u16 sizes[] = {256};
    bool blocked = false;
    u64 visits = 0;
    std::vector<std::string> seen;
    std::function<void()> on_request;
};

struct QueueTest : testing::Test {
    void start(u64 features = 0, u16 size = 8) { driver.start(kFeatureVersion1 | features, size); }
    Ring& ring() { return driver.rings[0]; }
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
    Echo echo;
    Driver driver{echo};
};

TEST_F(QueueTest, ServesRequestsInOrder) {
    start();
    ring().add_text("one");
    u16 second = ring().add_text("two");
    driver.kick(0);
    EXPECT_EQ(echo.seen, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(ring().used_index(), 2);
    EXPECT_EQ(ring().used_element(1).id, second);
    EXPECT_EQ(driver.take_interrupt(), u32{mmio::kUsedBuffer});
}

TEST_F(QueueTest, ScattersAndGathersAlongTheChain) {
    start();
    u64 a = driver.memory.allocate(64), b = driver.memory.allocate(64);
    driver.memory.put_text(a, "hello");
    driver.memory.put_text(b, " world");
    u64 c = driver.memory.allocate(64), d = driver.memory.allocate(64);
    ring().add({{a, 5}, {b, 6}, {c, 3, true}, {d, 20, true}});
    driver.kick(0);
    EXPECT_EQ(ring().used_element(0).length, 11u);
    EXPECT_EQ(driver.memory.get_text(c, 3), "hel");
    EXPECT_EQ(driver.memory.get_text(d, 8), "lo world");
}

TEST_F(QueueTest, SkipsEmptyBuffers) {
    start();
    u64 a = driver.memory.allocate(16);
    driver.memory.put_text(a, "ab");
    ring().add({{a, 1}, {0, 0}, {a + 1, 1}, {0, 0, true}});
    driver.kick(0);
    EXPECT_EQ(echo.seen, (std::vector<std::string>{"ab"}));
}

TEST_F(QueueTest, IndicesWrapAroundTheRingAndAtSixteenBits) {
    start();
    for (u32 i = 0; i < 70'000; ++i) {
        ring().offer(0);
        driver.kick(0);
    }
    EXPECT_EQ(ring().used_index(), static_cast<u16>(70'000));
    EXPECT_FALSE(driver.broken());
}

TEST_F(QueueTest, SaysNoNotifyWhileBusyAndNotifyWhenEmpty) {
    start();
    echo.on_request = [this] { EXPECT_EQ(ring().used_flags(), kUsedNoNotify); };
    ring().add_text("x");
    driver.kick(0);
    EXPECT_EQ(echo.seen.size(), 1u);
    EXPECT_EQ(ring().used_flags(), 0);
}

TEST_F(QueueTest, HonoursNoInterrupt) {
    start();
    ring().set_available_flags(kAvailNoInterrupt);
    ring().add_text("x");
    driver.kick(0);
    EXPECT_EQ(ring().used_index(), 1);
    EXPECT_EQ(driver.irq.raises, 0u);
}

TEST_F(QueueTest, InterruptsOncePerBatch) {
    start();
    for (int i = 0; i < 5; ++i) ring().add_text("x");
    driver.kick(0);
    EXPECT_EQ(driver.irq.raises, 1u);
}

TEST_F(QueueTest, EventIdxAsksForAKickOfTheNextRequest) {
    start(kFeatureEventIdx);
    driver.kick(0);
    EXPECT_EQ(ring().available_event(), 0);
    for (u16 i = 1; i <= 3; ++i) {
        ring().add_text("x");
        driver.kick(0);
        EXPECT_EQ(ring().available_event(), i);
    }
    EXPECT_EQ(ring().used_flags(), 0);
}

TEST_F(QueueTest, EventIdxInterruptsWhenTheUsedEventIsPassed) {
    start(kFeatureEventIdx);
    ring().set_used_event(2);  // wake me once the third is done
    u64 expected[] = {0, 0, 1, 1};
    for (u64 raises : expected) {
        ring().add_text("x");
        driver.kick(0);
        EXPECT_EQ(driver.irq.raises, raises);
    }
}

TEST_F(QueueTest, EventIdxInterruptsWhenABatchJumpsOverTheUsedEvent) {
    start(kFeatureEventIdx);
    ring().set_used_event(1);
    for (int i = 0; i < 4; ++i) ring().add_text("x");
    driver.kick(0);
    EXPECT_EQ(driver.irq.raises, 1u);
}

TEST_F(QueueTest, EventPassedWrapsAtSixteenBits) {
    static_assert(event_passed(0, 1, 0));
    static_assert(!event_passed(1, 1, 0));
    static_assert(event_passed(0xffff, 1, 0xfffe));
    static_assert(event_passed(0, 1, 0xfffe));
    static_assert(!event_passed(1, 1, 0xfffe));
    static_assert(!event_passed(5, 3, 3));
}

TEST_F(QueueTest, ARequestOfferedWhileServingIsNotMissed) {
    start(kFeatureEventIdx);
    int more = 3;
    echo.on_request = [&] {
        if (more-- > 0) ring().add_text("again");
    };
    ring().add_text("first");
    driver.kick(0);
    EXPECT_EQ(echo.seen.size(), 4u);
    EXPECT_EQ(ring().available_event(), 4);
}

TEST_F(QueueTest, AnUnservedRequestStaysFirst) {
    start(kFeatureEventIdx);
    echo.blocked = true;
    ring().add_text("waits");
    ring().add_text("too");
    driver.kick(0);
    EXPECT_EQ(ring().used_index(), 0);
    EXPECT_EQ(driver.irq.raises, 0u);
    echo.blocked = false;
    driver.kick(0);
    EXPECT_EQ(echo.seen, (std::vector<std::string>{"waits", "too"}));
}

TEST_F(QueueTest, ADriverThatRefillsForeverGetsSoManyRequestsPerVisit) {
    start(kFeatureEventIdx);
    echo.on_request = [this] { ring().offer(0); };
    ring().add_text("x");
    driver.kick(0);
    EXPECT_EQ(echo.seen.size(), virtio::Device::kRequestsPerVisit);
    EXPECT_EQ(driver.revisits, (std::vector<u16>{0}));
}

TEST_F(QueueTest, FollowsAnIndirectTable) {
    start(kFeatureIndirectDesc);
    u64 text = driver.memory.allocate(16), reply = driver.memory.allocate(16);
    driver.memory.put_text(text, "indirect");
    u64 table = driver.memory.allocate(2 * sizeof(Descriptor));
    driver.memory.put(table, Descriptor{text, 8, kDescNext, 1});
    driver.memory.put(table + 16, Descriptor{reply, 16, kDescWrite, 0});
    ring().put_descriptor(3, {table, 32, kDescIndirect, 0});
    ring().offer(3);
    driver.kick(0);
    EXPECT_EQ(echo.seen, (std::vector<std::string>{"indirect"}));
    EXPECT_EQ(driver.memory.get_text(reply, 8), "indirect");
    EXPECT_EQ(ring().used_element(0).id, 3u);
}

TEST_F(QueueTest, FollowsDirectDescriptorsIntoAnIndirectTable) {
    start(kFeatureIndirectDesc);
    u64 text = driver.memory.allocate(16);
    driver.memory.put_text(text, "ab");
    u64 table = driver.memory.allocate(sizeof(Descriptor));
    driver.memory.put(table, Descriptor{text + 1, 1, 0, 0});
    ring().put_descriptor(0, {text, 1, kDescNext, 1});
    ring().put_descriptor(1, {table, 16, kDescIndirect, 0});
    ring().offer(0);
    driver.kick(0);
    EXPECT_EQ(echo.seen, (std::vector<std::string>{"ab"}));
}

TEST_F(QueueTest, AnIndirectChainMayBeAsLongAsTheQueue) {
    start(kFeatureIndirectDesc);
    u64 text = driver.memory.allocate(16);
    driver.memory.put_text(text, "abcdefgh");
    u64 table = driver.memory.allocate(8 * sizeof(Descriptor));
    for (u16 i = 0; i < 8; ++i)
        driver.memory.put(table + 16 * i, Descriptor{text + i, 1, static_cast<u16>(i < 7 ? kDescNext : 0),
                                                     static_cast<u16>(i + 1)});
    ring().put_descriptor(0, {table, 128, kDescIndirect, 0});
    ring().offer(0);
    driver.kick(0);
    EXPECT_EQ(echo.seen, (std::vector<std::string>{"abcdefgh"}));
}

TEST_F(QueueTest, HostileHeadOutsideTheTable) {
    start();
    expect_broken(8);
}

TEST_F(QueueTest, HostileNextOutsideTheTable) {
    start();
    ring().put_descriptor(0, {Memory::kRam, 1, kDescNext, 0xffff});
    expect_broken();
}

TEST_F(QueueTest, HostileLoop) {
    start();
    ring().put_descriptor(0, {Memory::kRam, 1, kDescNext, 1});
    ring().put_descriptor(1, {Memory::kRam, 1, kDescNext, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileLoopOfEmptyBuffers) {
    start();
    ring().put_descriptor(0, {0, 0, kDescNext, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileLoopInAnIndirectTable) {
    start(kFeatureIndirectDesc);
    u64 table = driver.memory.allocate(sizeof(Descriptor));
    driver.memory.put(table, Descriptor{Memory::kRam, 1, kDescNext, 0});
    ring().put_descriptor(0, {table, 16, kDescIndirect, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileAvailableIndexFarAhead) {
    start();
    ring().next_available = 8;
    expect_broken();
}

TEST_F(QueueTest, HostileAvailableIndexGoesBack) {
    start();
    ring().next_available = static_cast<u16>(-2);
    expect_broken();
}

TEST_F(QueueTest, HostileBufferOutsideMemory) {
    start();
    ring().put_descriptor(0, {0, 16, 0, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileBufferAcrossTheEndOfMemory) {
    start();
    ring().put_descriptor(0, {Memory::kRam + Memory::kRamSize - 8, 16, kDescWrite, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileBufferThatWrapsTheAddressSpace) {
    start();
    ring().put_descriptor(0, {~u64{0} - 8, 0xffff'ffff, 0, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileWritableBufferInReadOnlyMemory) {
    start();
    ring().put_descriptor(0, {Memory::kRom, 16, kDescWrite, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileReadableAfterWritable) {
    start();
    ring().put_descriptor(0, {Memory::kRam, 16, kDescWrite | kDescNext, 1});
    ring().put_descriptor(1, {Memory::kRam, 16, 0, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileChainOfMoreThanFourGigabytes) {
    constexpr u64 kBase = 0x1'0000'0000, kSize = 0x8000'0000;  // address space only: nobody touches it
    Mapping large(::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
                  kSize);
    ASSERT_TRUE(driver.memory.guest.add({PhysAddr(kBase), large.span(), true}));
    start();
    ring().put_descriptor(0, {kBase, kSize, kDescNext, 1});
    ring().put_descriptor(1, {kBase, kSize, 0, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileIndirectWithoutTheFeature) {
    start();
    ring().put_descriptor(0, {Memory::kRam, 16, kDescIndirect, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileIndirectWithNext) {
    start(kFeatureIndirectDesc);
    ring().put_descriptor(0, {Memory::kRam, 16, kDescIndirect | kDescNext, 1});
    expect_broken();
}

TEST_F(QueueTest, HostileIndirectInIndirect) {
    start(kFeatureIndirectDesc);
    u64 table = driver.memory.allocate(sizeof(Descriptor));
    driver.memory.put(table, Descriptor{table, 16, kDescIndirect, 0});
    ring().put_descriptor(0, {table, 16, kDescIndirect, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileIndirectTableOfOddLength) {
    start(kFeatureIndirectDesc);
    ring().put_descriptor(0, {Memory::kRam, 24, kDescIndirect, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileEmptyIndirectTable) {
    start(kFeatureIndirectDesc);
    ring().put_descriptor(0, {Memory::kRam, 0, kDescIndirect, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileIndirectTableOutsideMemory) {
    start(kFeatureIndirectDesc);
    ring().put_descriptor(0, {Memory::kRam - 16, 32, kDescIndirect, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileIndirectChainLongerThanTheQueue) {
    start(kFeatureIndirectDesc);
    u64 table = driver.memory.allocate(9 * sizeof(Descriptor));
    for (u16 i = 0; i < 9; ++i)
        driver.memory.put(table + 16 * i, Descriptor{Memory::kRam, 1, static_cast<u16>(i < 8 ? kDescNext : 0),
                                                     static_cast<u16>(i + 1)});
    ring().put_descriptor(0, {table, 9 * 16, kDescIndirect, 0});
    expect_broken();
}

TEST_F(QueueTest, HostileRandomRingsNeverCrashNorHang) {
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
