// A driver and a device on two threads, each sleeping whenever EVENT_IDX says that it may: one missing fence
// on either side and somebody sleeps for ever.
#include <atomic>
#include <chrono>
#include <semaphore>
#include <thread>

#include "tests/unit/virtio/driver.hpp"

namespace astra::vmm::test {
namespace {

using namespace abi::virtio;
using namespace std::chrono_literals;
constexpr u32 kRequests = 100'000;
constexpr auto kForever = 60s;

/// Wastes a varying handful of nanoseconds, so that the threads meet at ever different points.
class Jitter {
  public:
    explicit Jitter(u32 seed) : state_(seed) {}
    void operator()() {
        state_ = state_ * 1'664'525 + 1'013'904'223;
        for (u32 spins = state_ >> 24; spins > 0; --spins) asm volatile("");
    }

  private:
    u32 state_;
};

struct Counter final : virtio::Device {
    [[nodiscard]] std::string_view label() const override { return "virtio-counter"; }
    [[nodiscard]] DeviceId id() const override { return DeviceId::Balloon; }
    [[nodiscard]] u64 features() const override { return 0; }
    [[nodiscard]] std::span<const u16> queue_sizes() const override { return sizes; }
    void activate() override {}
    void reset() override {}
    void notified(u16 queue) override {
        serve(queue, [this](virtio::Chain&) -> std::optional<u32> {
            jitter();
            return ++served, 0;
        });
    }
    Jitter jitter{1};
    static constexpr u16 sizes[] = {256};
    std::atomic<u32> served = 0;
};

struct InterruptSignal final : IrqLine {
    void set(bool level) override {
        if (level) raised.release();
    }
    std::counting_semaphore<> raised{0};
};

struct RaceTest : testing::TestWithParam<u16> {
    u16 load(u64 at) const {
        u16 value = 0;
        EXPECT_TRUE(memory.guest.load_u16(PhysAddr(at), value));
        return value;
    }
    void store(u64 at, u16 value) const { EXPECT_TRUE(memory.guest.store_u16(PhysAddr(at), value)); }
    Memory memory;
};

TEST_P(RaceTest, NoKickAndNoInterruptIsLost) {
    Counter device;
    InterruptSignal irq;
    std::counting_semaphore<> kick{0};
    virtio::MmioTransport transport(
        memory.guest, irq, device, [&](u16) { kick.release(); }, [](std::string_view, std::string_view) {});
    auto set = [&](u64 offset, u32 value) {
        transport.write(offset, {reinterpret_cast<u8*>(&value), sizeof value});
    };
    Ring ring(memory, GetParam());
    set(mmio::kStatus, kAcknowledge | kDriver);
    set(mmio::kDriverFeatures, static_cast<u32>(kFeatureEventIdx));
    set(mmio::kDriverFeaturesSel, 1);
    set(mmio::kDriverFeatures, static_cast<u32>(kFeatureVersion1 >> 32));
    set(mmio::kStatus, kAcknowledge | kDriver | kFeaturesOk);
    set(mmio::kQueueNum, ring.size);
    set(mmio::kQueueDescLow, static_cast<u32>(ring.table));
    set(mmio::kQueueDriverLow, static_cast<u32>(ring.available));
    set(mmio::kQueueDeviceLow, static_cast<u32>(ring.used));
    set(mmio::kQueueReady, 1);
    set(mmio::kStatus, kAcknowledge | kDriver | kFeaturesOk | kDriverOk);

    std::atomic<bool> done = false;
    u64 kicks = 0;
    std::jthread device_thread([&] {
        while (!done && kick.try_acquire_for(kForever)) transport.notify(0);
        EXPECT_TRUE(done) << "a kick was lost";
    });

    const u64 used_index = ring.used + kRingIndex, used_event = ring.available + used_event_offset(ring.size);
    const u64 available_index = ring.available + kRingIndex,
              event = ring.used + available_event_offset(ring.size);
    Jitter jitter{2};
    u16 offered = 0, reaped = 0;
    u32 sent = 0, batch = 0;
    while (sent < kRequests) {
        reaped = load(used_index);
        while (static_cast<u16>(offered - reaped) == ring.size) {
            // Look for a moment before going to sleep, as drivers do: so both ways of going on are taken.
            for (int looks = 0; looks < 50 && load(used_index) == reaped; ++looks) jitter();
            if (load(used_index) != reaped) break;
            store(used_event, reaped);
            std::atomic_thread_fence(std::memory_order_seq_cst);
            if (load(used_index) == reaped && !irq.raised.try_acquire_for(kForever)) {
                ADD_FAILURE() << "an interrupt was lost after " << sent;
                sent = kRequests;
                break;
            }
            reaped = load(used_index);
        }
        u16 before = offered;
        u16 free = static_cast<u16>(ring.size - static_cast<u16>(offered - reaped));
        offered = static_cast<u16>(offered + std::min<u32>(free, 1 + batch++ % 3));
        sent += static_cast<u16>(offered - before);
        store(available_index, offered);  // every ring entry names descriptor 0, an empty buffer
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (event_passed(load(event), offered, before)) kick.release(), ++kicks;
    }
    auto deadline = std::chrono::steady_clock::now() + kForever;
    while (load(used_index) != offered && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    EXPECT_EQ(load(used_index), offered);
    done = true;
    kick.release();
    device_thread.join();
    EXPECT_GE(device.served.load(), kRequests);
    RecordProperty("kicks", static_cast<int>(kicks));
}

INSTANTIATE_TEST_SUITE_P(RingSizes, RaceTest, testing::Values(1, 2, 8, 256));

}  // namespace
}  // namespace astra::vmm::test
