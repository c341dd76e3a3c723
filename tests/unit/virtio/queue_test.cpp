// Split virtqueues: order, direction, EVENT_IDX both ways, indirect descriptors.
#include "vmm/virtio/queue.hpp"

#include "tests/unit/virtio/echo.hpp"

namespace astra::vmm::test {
namespace {

using namespace abi::virtio;

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

}  // namespace
}  // namespace astra::vmm::test
