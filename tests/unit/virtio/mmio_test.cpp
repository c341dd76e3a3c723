// The virtio-mmio register file and status machine (VIRTIO 1.2, 2.1, 3.1, 4.2).
#include "vmm/virtio/mmio.hpp"

#include "tests/unit/virtio/driver.hpp"

namespace astra::vmm::test {
namespace {

using namespace abi::virtio;
namespace reg = abi::virtio::mmio;

/// Two queues; echoes nothing, completes every request, and remembers what it was told.
struct Probe final : virtio::Device {
    [[nodiscard]] std::string_view label() const override { return "virtio-probe"; }
    [[nodiscard]] DeviceId id() const override { return DeviceId::Balloon; }
    [[nodiscard]] u64 features() const override { return 0b101; }
    [[nodiscard]] std::span<const u16> queue_sizes() const override { return sizes; }
    [[nodiscard]] std::span<const u8> config() const override { return space; }
    void write_config(u64 offset, std::span<const u8> data) override {
        for (u8 byte : data)
            if (offset < space.size()) space[offset++] = byte;
    }
    void activate() override { ++activations; }
    void reset() override { ++resets; }
    void notified(u16 queue) override {
        kicks.push_back(queue);
        serve(queue, [](virtio::Chain&) -> std::optional<u32> { return 0; });
    }
    void change_config() { space[0] ^= 0xff, transport().config_changed(); }
    std::array<u16, 2> sizes = {256, 16};
    std::array<u8, 8> space = {1, 2, 3, 4, 5, 6, 7, 8};
    u32 activations = 0, resets = 0;
    std::vector<u16> kicks;
};

struct MmioTest : testing::Test {
    Probe probe;
    Driver driver{probe};
};

TEST_F(MmioTest, IdentifiesItself) {
    EXPECT_EQ(driver.get(reg::kMagicValue), 0x74726976u);
    EXPECT_EQ(driver.get(reg::kVersionRegister), 2u);
    EXPECT_EQ(driver.get(reg::kDeviceId), 5u);
    EXPECT_EQ(driver.transport.label(), "virtio-probe");
}

TEST_F(MmioTest, OffersDeviceAndGenericFeatures) {
    EXPECT_EQ(driver.offered(), 0b101 | kFeatureVersion1 | kFeatureEventIdx | kFeatureIndirectDesc);
    driver.set(reg::kDeviceFeaturesSel, 2);
    EXPECT_EQ(driver.get(reg::kDeviceFeatures), 0u);
}

TEST_F(MmioTest, InitialisesInTheSpecifiedOrder) {
    driver.start(kFeatureVersion1 | 0b100);
    EXPECT_EQ(driver.status(), kAcknowledge | kDriver | kFeaturesOk | kDriverOk);
    EXPECT_EQ(probe.activations, 1u);
    driver.add_status(kDriverOk);
    EXPECT_EQ(probe.activations, 1u);
}

TEST_F(MmioTest, RefusesFeaturesThatWereNotOffered) {
    driver.add_status(kAcknowledge);
    driver.add_status(kDriver);
    driver.accept(kFeatureVersion1 | 0b010);
    driver.add_status(kFeaturesOk);
    EXPECT_FALSE(driver.status() & kFeaturesOk);
    driver.accept(kFeatureVersion1 | 0b001);
    driver.add_status(kFeaturesOk);
    EXPECT_TRUE(driver.status() & kFeaturesOk);
}

TEST_F(MmioTest, RefusesALegacyDriver) {
    driver.add_status(kAcknowledge | kDriver);
    driver.accept(0b001);
    driver.add_status(kFeaturesOk);
    EXPECT_FALSE(driver.status() & kFeaturesOk);
}

TEST_F(MmioTest, StatusBitsNeedTheirPredecessors) {
    driver.add_status(kDriver);
    EXPECT_EQ(driver.status(), 0u);
    driver.accept(kFeatureVersion1);
    driver.add_status(kDriverOk);
    driver.add_status(kFeaturesOk);
    EXPECT_EQ(driver.status(), 0u);
    EXPECT_EQ(probe.activations, 0u);
}

TEST_F(MmioTest, StatusBitsAreClearedByResetOnly) {
    driver.start(kFeatureVersion1);
    u32 all = driver.status();
    driver.set(reg::kStatus, kAcknowledge);
    EXPECT_EQ(driver.status(), all);
    u32 resets = probe.resets;
    driver.set(reg::kStatus, 0);
    EXPECT_EQ(driver.status(), 0u);
    EXPECT_EQ(probe.resets, resets + 1);
}

TEST_F(MmioTest, FeaturesFreezeAtFeaturesOk) {
    driver.prepare(kFeatureVersion1);
    driver.accept(0);
    driver.add_status(kDriverOk);
    EXPECT_TRUE(driver.status() & kDriverOk);
    EXPECT_EQ(probe.activations, 1u);
}

TEST_F(MmioTest, QueueRegistersFollowQueueSel) {
    driver.set(reg::kQueueSel, 0);
    EXPECT_EQ(driver.get(reg::kQueueNumMax), 256u);
    driver.set(reg::kQueueSel, 1);
    EXPECT_EQ(driver.get(reg::kQueueNumMax), 16u);
    driver.set(reg::kQueueSel, 2);
    EXPECT_EQ(driver.get(reg::kQueueNumMax), 0u);
    EXPECT_EQ(driver.get(reg::kQueueReady), 0u);
    driver.set(reg::kQueueReady, 1);
    EXPECT_EQ(driver.get(reg::kQueueReady), 0u);
}

TEST_F(MmioTest, QueueReadyReadsBackAndCanBeTakenBack) {
    driver.prepare(kFeatureVersion1);
    driver.set(reg::kQueueSel, 0);
    EXPECT_EQ(driver.get(reg::kQueueReady), 1u);
    driver.set(reg::kQueueReady, 0);
    EXPECT_EQ(driver.get(reg::kQueueReady), 0u);
    driver.add_status(kDriverOk);
    driver.rings[0].add_text("x");
    driver.kick(0);
    EXPECT_EQ(driver.rings[0].used_index(), 0);
}

TEST_F(MmioTest, NoQueueStartsBeforeFeaturesAreSettled) {
    driver.add_status(kAcknowledge);
    driver.add_status(kDriver);
    Ring ring(driver.memory, 16);
    driver.place(0, ring);
    EXPECT_EQ(driver.get(reg::kQueueReady), 0u);
    EXPECT_FALSE(driver.broken());
}

TEST_F(MmioTest, KicksBeforeDriverOkAreIgnored) {
    driver.prepare(kFeatureVersion1);
    driver.rings[0].add_text("x");
    driver.kick(0);
    EXPECT_TRUE(probe.kicks.empty());
    driver.add_status(kDriverOk);
    driver.kick(0);
    EXPECT_EQ(driver.rings[0].used_index(), 1);
}

TEST_F(MmioTest, KicksOfQueuesThatDoNotExistAreIgnored) {
    driver.start(kFeatureVersion1);
    driver.kick(2);
    driver.kick(0x10000);
    driver.kick(~u32{0});
    EXPECT_TRUE(probe.kicks.empty());
}

TEST_F(MmioTest, NotifyIsTheSameWithoutTheRegister) {
    driver.start(kFeatureVersion1);
    driver.rings[1].add_text("x");
    driver.transport.notify(1);
    EXPECT_EQ(driver.rings[1].used_index(), 1);
}

TEST_F(MmioTest, InterruptIsALevelUntilEveryCauseIsAcknowledged) {
    driver.start(kFeatureVersion1);
    driver.rings[0].add_text("x");
    driver.kick(0);
    probe.change_config();
    EXPECT_EQ(driver.get(reg::kInterruptStatus), reg::kUsedBuffer | reg::kConfigChange);
    EXPECT_TRUE(driver.irq.level);
    driver.set(reg::kInterruptAck, reg::kUsedBuffer);
    EXPECT_TRUE(driver.irq.level);
    driver.set(reg::kInterruptAck, reg::kConfigChange);
    EXPECT_FALSE(driver.irq.level);
    EXPECT_EQ(driver.get(reg::kInterruptStatus), 0u);
}

TEST_F(MmioTest, EveryInterruptRaisesTheLineAcknowledgedOrNot) {
    driver.start(kFeatureVersion1);
    for (u64 raises = 1; raises <= 3; ++raises) {
        driver.rings[0].add_text("x");
        driver.kick(0);
        EXPECT_EQ(driver.irq.raises, raises);
    }
    EXPECT_EQ(driver.irq.rises, 1u);
}

TEST_F(MmioTest, ConfigurationReadsInAnyWidthAndEndsInZeros) {
    u8 byte = 0;
    driver.transport.read(reg::kConfig + 7, {&byte, 1});
    EXPECT_EQ(byte, 8);
    u16 half = 0;
    driver.transport.read(reg::kConfig + 2, {reinterpret_cast<u8*>(&half), 2});
    EXPECT_EQ(half, 0x0403);
    u64 all = 0;
    driver.transport.read(reg::kConfig, {reinterpret_cast<u8*>(&all), 8});
    EXPECT_EQ(all, 0x0807060504030201u);
    driver.transport.read(reg::kConfig + 6, {reinterpret_cast<u8*>(&all), 8});
    EXPECT_EQ(all, 0x0807u);
}

TEST_F(MmioTest, ConfigurationWritesReachTheDevice) {
    u16 value = 0xbbaa;
    driver.transport.write(reg::kConfig + 1, {reinterpret_cast<u8*>(&value), 2});
    EXPECT_EQ(probe.space[1], 0xaa);
    EXPECT_EQ(probe.space[2], 0xbb);
}

TEST_F(MmioTest, ConfigurationChangesStartANewGeneration) {
    driver.start(kFeatureVersion1);
    u32 before = driver.get(reg::kConfigGeneration);
    probe.change_config();
    EXPECT_NE(driver.get(reg::kConfigGeneration), before);
    EXPECT_EQ(driver.take_interrupt(), u32{reg::kConfigChange});
}

TEST_F(MmioTest, ConfigurationChangesAreSilentBeforeDriverOk) {
    driver.prepare(kFeatureVersion1);
    probe.change_config();
    EXPECT_EQ(driver.irq.raises, 0u);
}

TEST_F(MmioTest, SharedMemoryThatDoesNotExistHasLengthAllOnes) {
    driver.set(reg::kShmSel, 0);
    EXPECT_EQ(driver.get(reg::kShmLenLow), ~u32{0});
    EXPECT_EQ(driver.get(reg::kShmLenHigh), ~u32{0});
}

TEST_F(MmioTest, RegistersAnswerAlignedWordsOnly) {
    u8 byte = 0;
    driver.transport.read(reg::kMagicValue, {&byte, 1});
    EXPECT_EQ(byte, 0xff);
    EXPECT_EQ(driver.get(reg::kMagicValue + 2), ~u32{0});
    u8 status = kAcknowledge;
    driver.transport.write(reg::kStatus, {&status, 1});
    EXPECT_EQ(driver.status(), 0u);
}

TEST_F(MmioTest, ResetForgetsQueuesFeaturesAndInterrupts) {
    driver.start(kFeatureVersion1);
    driver.rings[0].add_text("x");
    driver.kick(0);
    driver.set(reg::kStatus, 0);
    EXPECT_FALSE(driver.irq.level);
    EXPECT_EQ(driver.get(reg::kInterruptStatus), 0u);
    driver.set(reg::kQueueSel, 0);
    EXPECT_EQ(driver.get(reg::kQueueReady), 0u);
    driver.add_status(kAcknowledge);
    driver.add_status(kDriver);
    driver.add_status(kFeaturesOk);
    EXPECT_FALSE(driver.status() & kFeaturesOk) << "VERSION_1 of before the reset must not count";
}

TEST_F(MmioTest, WorksAgainAfterAReset) {
    for (int round = 0; round < 3; ++round) {
        driver.start(kFeatureVersion1 | kFeatureEventIdx);
        driver.rings[1].add_text("x");
        driver.kick(1);
        EXPECT_EQ(driver.rings[1].used_index(), 1);
    }
}

TEST_F(MmioTest, BadRingsNeedAReset) {
    driver.prepare(kFeatureVersion1);
    struct Case {
        const char* what;
        void (*spoil)(Ring&);
    } cases[] = {
        {"size not a power of two", [](Ring& ring) { ring.size = 12; }},
        {"size zero", [](Ring& ring) { ring.size = 0; }},
        {"size above the maximum", [](Ring& ring) { ring.size = 512; }},
        {"descriptors misaligned", [](Ring& ring) { ring.table += 8; }},
        {"available ring misaligned", [](Ring& ring) { ring.available += 1; }},
        {"used ring misaligned", [](Ring& ring) { ring.used += 2; }},
        {"descriptors outside memory", [](Ring& ring) { ring.table = Memory::kRam - 16; }},
        {"descriptors across the end of memory",
         [](Ring& ring) { ring.table = Memory::kRam + Memory::kRamSize - 16; }},
        {"available ring at the end of the address space", [](Ring& ring) { ring.available = ~u64{0} - 1; }},
        {"used ring in read-only memory", [](Ring& ring) { ring.used = Memory::kRom; }},
    };
    for (const Case& bad : cases) {
        driver.prepare(kFeatureVersion1);
        driver.set(reg::kQueueSel, 0);
        driver.set(reg::kQueueReady, 0);
        usize faults = driver.faults.size();
        Ring ring(driver.memory, 16);
        bad.spoil(ring);
        driver.place(0, ring);
        EXPECT_TRUE(driver.broken()) << bad.what;
        EXPECT_EQ(driver.get(reg::kQueueReady), 0u) << bad.what;
        EXPECT_EQ(driver.faults.size(), faults + 1) << bad.what;
        driver.add_status(kDriverOk);
        driver.kick(1);
        EXPECT_EQ(driver.rings[1].used_index(), 0) << bad.what;
    }
}

}  // namespace
}  // namespace astra::vmm::test
