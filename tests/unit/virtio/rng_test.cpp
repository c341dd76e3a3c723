// The virtio entropy device (VIRTIO 1.2, 5.4).
#include "vmm/virtio/rng.hpp"

#include <set>

#include "tests/unit/virtio/driver.hpp"

namespace astra::vmm::test {
namespace {

using namespace abi::virtio;

struct RngTest : testing::Test {
    void SetUp() override { driver.start(kFeatureVersion1); }
    Ring& ring() { return driver.rings[0]; }
    virtio::Rng rng;
    Driver driver{rng};
};

TEST_F(RngTest, IsAnEntropyDeviceWithOneQueue) {
    EXPECT_EQ(driver.get(mmio::kDeviceId), 4u);
    EXPECT_EQ(driver.transport.queue_count(), 1);
}

TEST_F(RngTest, FillsTheWholeRequestWithDifferentBytes) {
    u64 at = driver.memory.allocate(256);
    ring().add({{at, 100, true}, {at + 100, 156, true}});
    driver.kick(0);
    EXPECT_EQ(ring().used_element(0).length, 256u);
    std::string bytes = driver.memory.get_text(at, 256);
    EXPECT_GT(std::set<char>(bytes.begin(), bytes.end()).size(), 64u);
    ring().add({{at, 256, true}});
    driver.kick(0);
    EXPECT_NE(driver.memory.get_text(at, 256), bytes);
}

TEST_F(RngTest, WritesNothingBeyondTheRequest) {
    u64 at = driver.memory.allocate(64);
    ring().add({{at, 32, true}});
    driver.kick(0);
    EXPECT_EQ(driver.memory.get_text(at + 32, 32), std::string(32, '\0'));
}

TEST_F(RngTest, GivesALargeRequestItsFirstPart) {
    u64 at = driver.memory.allocate(virtio::Rng::kMaxRequest + 4096);
    ring().add({{at, 100, true}, {at + 100, virtio::Rng::kMaxRequest, true}, {at, 16, true}});
    driver.kick(0);
    EXPECT_EQ(ring().used_element(0).length, virtio::Rng::kMaxRequest);
    EXPECT_EQ(driver.memory.get_text(at + virtio::Rng::kMaxRequest, 4096), std::string(4096, '\0'));
}

TEST_F(RngTest, ServesWhatWasOfferedBeforeDriverOk) {
    driver.prepare(kFeatureVersion1);
    ring().add({{driver.memory.allocate(16), 16, true}});
    driver.add_status(kDriverOk);
    EXPECT_EQ(ring().used_index(), 1);
}

TEST_F(RngTest, HostileReadOnlyRequestNeedsAReset) {
    ring().add_text("no room");
    driver.kick(0);
    EXPECT_TRUE(driver.broken());
    EXPECT_EQ(ring().used_index(), 0);
}

}  // namespace
}  // namespace astra::vmm::test
