// The virtio network device (VIRTIO 1.2, 5.1) over a host network.
#pragma once
#include <deque>

#include "vmm/net/backend.hpp"
#include "vmm/virtio/device.hpp"

namespace astra::vmm::virtio {

/// Its queues are served by the thread that also serves its backend: notified() only asks that thread to
/// come, by `wake`, and the thread calls process() with the device's lock held.
class Net final : public Device {
  public:
    static constexpr u16 kReceive = 0, kTransmit = 1;
    using Mac = std::array<u8, 6>;

    Net(vmm::net::Backend& backend, const Mac& mac, std::function<void()> wake);

    /// Sends what the guest offers, and hands it what waits.
    void process();
    /// Tells the guest of frames that receive() has handed it since, if it wants to know.
    void announce();
    /// Is there room for frames to the guest?
    [[nodiscard]] bool has_room() const { return backlog_.size() < kMaxBacklog; }

    [[nodiscard]] std::string_view label() const override { return "virtio-net"; }
    [[nodiscard]] abi::virtio::DeviceId id() const override { return abi::virtio::DeviceId::Net; }
    [[nodiscard]] u64 features() const override;
    [[nodiscard]] std::span<const u16> queue_sizes() const override { return kQueueSizes; }
    [[nodiscard]] std::span<const u8> config() const override;
    void activate() override;
    void reset() override { backlog_.clear(); }
    void notified(u16) override { wake_(); }

  private:
    using Header = abi::virtio::net::Header;
    struct Frame {
        Header header;
        std::vector<u8> bytes;
    };
    static constexpr u16 kQueueSizes[] = {256, 256};
    static constexpr usize kMaxBacklog = 256;
    static constexpr usize kMaxFrame = 65550;

    [[nodiscard]] bool receive(const Header& header, std::span<const u8> frame);
    [[nodiscard]] bool place(const Header& header, std::span<const u8> frame);
    void send_frames();

    vmm::net::Backend& backend_;
    std::function<void()> wake_;
    abi::virtio::net::Config config_{};
    std::deque<Frame> backlog_;  // frames the guest had no buffers for
    std::vector<Chain> chains_;  // place()'s, kept so that they allocate once
    std::vector<u8> flat_;       // send_frames()'
    bool active_ = false;
};

}  // namespace astra::vmm::virtio
