// The virtio network device (VIRTIO 1.2, 5.1) between a driver and a backend that is this test.
#include "vmm/virtio/net.hpp"

#include "tests/unit/virtio/driver.hpp"

namespace astra::vmm::test {
namespace {

using namespace abi::virtio;
using Header = abi::virtio::net::Header;

struct FakeBackend final : vmm::net::Backend {
    u64 features() const override { return abi::virtio::net::kFeatureCsum; }
    void set_features(u64 features) override { chosen = features; }
    u16 mtu() const override { return 9000; }
    void send(const Header& header, std::span<const u8> frame) override {
        headers.push_back(header);
        frames.emplace_back(frame.begin(), frame.end());
    }
    void prepare(std::vector<pollfd>&, int&, bool) override {}
    void serve(std::span<const pollfd>) override {}
    bool deliver(std::string_view frame) {
        return deliver_(Header{}, {reinterpret_cast<const u8*>(frame.data()), frame.size()});
    }
    u64 chosen = 0;
    std::vector<Header> headers;
    std::vector<std::vector<u8>> frames;
};

struct NetTest : testing::Test {
    void start(u64 features = 0) {
        driver.start(kFeatureVersion1 | features);
        net.process();
    }
    Ring& receive() { return driver.rings[0]; }
    Ring& transmit() { return driver.rings[1]; }
    /// Offers a receive buffer; its address.
    u64 offer(u32 size) {
        u64 at = driver.memory.allocate(size);
        receive().add({{at, size, true}});
        return at;
    }
    u16 offer_frame(std::string_view frame) {
        u64 at = driver.memory.allocate(sizeof(Header) + frame.size());
        driver.memory.put(at, Header{.flags = 1, .checksum_start = 14, .checksum_offset = 6});
        driver.memory.put_text(at + sizeof(Header), frame);
        return transmit().add(
            {{at, static_cast<u32>(sizeof(Header))}, {at + sizeof(Header), static_cast<u32>(frame.size())}});
    }
    FakeBackend backend;
    int wakes = 0;
    virtio::Net net{backend, {2, 1, 2, 3, 4, 5}, [this] { wakes++; }};
    Driver driver{net};
};

constexpr std::string_view kFrame = "a frame of at least fourteen bytes";

TEST_F(NetTest, ConfigurationTellsAddressAndMtu) {
    start(abi::virtio::net::kFeatureMac | abi::virtio::net::kFeatureMtu);
    EXPECT_EQ(driver.get(mmio::kConfig), 0x03020102u);
    EXPECT_EQ(driver.get(mmio::kConfig + 8) >> 16, 9000u);
    EXPECT_TRUE(driver.offered() & abi::virtio::net::kFeatureCsum);
    EXPECT_FALSE(driver.offered() & abi::virtio::net::kFeatureHostTso4);
    EXPECT_EQ(wakes, 1);
}

TEST_F(NetTest, FramesReachTheBackendWithTheirHeader) {
    start(abi::virtio::net::kFeatureCsum);
    EXPECT_TRUE(backend.chosen & abi::virtio::net::kFeatureCsum);
    offer_frame(kFrame);
    driver.kick(1);
    EXPECT_TRUE(backend.frames.empty());  // that is its thread's work
    net.process();
    ASSERT_EQ(backend.frames.size(), 1u);
    EXPECT_EQ(std::string(backend.frames[0].begin(), backend.frames[0].end()), kFrame);
    EXPECT_EQ(backend.headers[0].checksum_start, 14);
    EXPECT_EQ(transmit().used_index(), 1);
    EXPECT_EQ(driver.take_interrupt(), u32{mmio::kUsedBuffer});
}

TEST_F(NetTest, FramesTooShortOrTooLongAreDropped) {
    start();
    offer_frame("short");
    u64 at = driver.memory.allocate(70000);
    transmit().add({{at, 70000}});
    driver.kick(1);
    net.process();
    EXPECT_TRUE(backend.frames.empty());
    EXPECT_EQ(transmit().used_index(), 2);
    EXPECT_FALSE(driver.broken());
}

TEST_F(NetTest, AFrameGoesIntoOneBuffer) {
    start();
    u64 at = offer(2000);
    EXPECT_TRUE(backend.deliver(kFrame));
    net.process();
    EXPECT_EQ(receive().used_element(0).length, sizeof(Header) + kFrame.size());
    EXPECT_EQ(driver.memory.get<Header>(at).buffers, 1);
    EXPECT_EQ(driver.memory.get_text(at + sizeof(Header), kFrame.size()), kFrame);
    EXPECT_EQ(driver.take_interrupt(), u32{mmio::kUsedBuffer});
}

TEST_F(NetTest, AFrameIsSpreadOverBuffersWhenTheDriverMerges) {
    start(abi::virtio::net::kFeatureMrgRxbuf);
    u64 first = offer(20), second = offer(20), third = offer(20);
    EXPECT_TRUE(backend.deliver(kFrame));
    EXPECT_EQ(receive().used_index(), 3);
    EXPECT_EQ(driver.memory.get<Header>(first).buffers, 3);
    std::string got = driver.memory.get_text(first + sizeof(Header), 8) + driver.memory.get_text(second, 20) +
                      driver.memory.get_text(third, kFrame.size() - 28);
    EXPECT_EQ(got, kFrame);
    EXPECT_EQ(receive().used_element(2).length, kFrame.size() - 28);
}

TEST_F(NetTest, FramesWaitForBuffersInOrder) {
    start(abi::virtio::net::kFeatureMrgRxbuf);
    offer(20);  // not enough for one
    EXPECT_TRUE(backend.deliver(kFrame));
    EXPECT_TRUE(backend.deliver("the second, also fourteen bytes or more"));
    EXPECT_EQ(receive().used_index(), 0);
    u64 at = offer(1000), next = offer(1000);
    net.process();
    EXPECT_EQ(receive().used_index(), 3);
    EXPECT_EQ(driver.memory.get_text(at, kFrame.size() - 8), kFrame.substr(8));
    EXPECT_EQ(driver.memory.get_text(next + sizeof(Header), 10), "the second");
}

TEST_F(NetTest, TheBacklogHasAnEnd) {
    start();
    int taken = 0;
    while (backend.deliver(kFrame)) ASSERT_LT(taken++, 1000);
    EXPECT_FALSE(net.has_room());
    driver.set(mmio::kStatus, 0);  // a reset forgets it
    EXPECT_TRUE(net.has_room());
}

TEST_F(NetTest, NothingToWriteIsABrokenDriver) {
    start();
    u64 at = driver.memory.allocate(100);
    receive().add({{at, 100, false}});
    EXPECT_TRUE(backend.deliver(kFrame));
    EXPECT_TRUE(driver.broken());
}

TEST(NetConfig, NetworksAndForwardsAreRead) {
    std::vector<std::string> forwards{"8080:80", "0.0.0.0:53:5353/udp"};
    auto user = vmm::net::parse_config("user", forwards);
    ASSERT_TRUE(user);
    EXPECT_FALSE(user->host_loopback);
    EXPECT_EQ(user->forwards[0].host_address, 0x7f000001u);
    EXPECT_EQ(user->forwards[0].host_port, 8080);
    EXPECT_EQ(user->forwards[0].guest_port, 80);
    EXPECT_TRUE(user->forwards[1].udp);
    EXPECT_EQ(user->forwards[1].host_address, 0u);
    EXPECT_EQ(vmm::net::kernel_words(*user), "astra.ip=10.0.2.15/24,10.0.2.2 astra.dns=10.0.2.3");
    auto tap = vmm::net::parse_config("tap=t0,ip=10.1.0.2/24,gateway=10.1.0.1", {});
    ASSERT_TRUE(tap);
    EXPECT_EQ(tap->tap, "t0");
    EXPECT_EQ(vmm::net::kernel_words(*tap), "astra.ip=10.1.0.2/24,10.1.0.1");
    EXPECT_TRUE(vmm::net::parse_config("user,host-loopback", {})->host_loopback);
    for (const char* wrong :
         {"", "bridge", "user,x", "tap=t0,ip=10.1.0.2", "tap=t0,ip=10.1.0.2/33", "tap=t0,gateway=10.1.0.1"})
        EXPECT_FALSE(vmm::net::parse_config(wrong, {})) << wrong;
    for (const char* wrong : {"80", "0:80", "80:0", "x:80", "1.2.3:80:80", "80:80/sctp", "99999:1"})
        EXPECT_FALSE(vmm::net::parse_config("user", std::vector<std::string>{wrong})) << wrong;
    EXPECT_FALSE(vmm::net::parse_config("none", forwards));
}

}  // namespace
}  // namespace astra::vmm::test
