// A device that echoes requests, and the driver that torments it: what the queue tests share.
#pragma once
#include "tests/unit/virtio/driver.hpp"

namespace astra::vmm::test {

/// Copies what a request lets it read into what it lets it write; refuses while `blocked`.
struct Echo final : virtio::Device {
    [[nodiscard]] std::string_view label() const override { return "virtio-echo"; }
    [[nodiscard]] spec::DeviceId id() const override { return spec::DeviceId::Balloon; }
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
    void start(u64 features = 0, u16 size = 8) { driver.start(spec::kFeatureVersion1 | features, size); }
    Ring& ring() { return driver.rings[0]; }
    Echo echo;
    Driver driver{echo};
};

}  // namespace astra::vmm::test
