// The virtio entropy device (VIRTIO 1.2, 5.4): hands out the host's getrandom(2).
#pragma once
#include "vmm/virtio/device.hpp"

namespace astra::vmm::virtio {

class Rng final : public Device {
  public:
    /// A request gets at most this much, so that one cannot hold the device for long; drivers cope with less.
    static constexpr usize kMaxRequest = 64 * 1024;

    [[nodiscard]] std::string_view label() const override { return "virtio-rng"; }
    [[nodiscard]] abi::virtio::DeviceId id() const override { return abi::virtio::DeviceId::Rng; }
    [[nodiscard]] u64 features() const override { return 0; }
    [[nodiscard]] std::span<const u16> queue_sizes() const override { return kQueueSizes; }
    void activate() override { notified(0); }
    void reset() override {}
    void notified(u16 queue) override;

  private:
    static constexpr u16 kQueueSizes[] = {64};
};

}  // namespace astra::vmm::virtio
