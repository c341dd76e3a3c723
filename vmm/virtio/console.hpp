// The virtio console device (VIRTIO 1.2, 5.3) with several ports, each the guest's end of a HostStream.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "vmm/devices/host_stream.hpp"
#include "vmm/virtio/device.hpp"

namespace astra::vmm::virtio {

/// Port 0 is a console; the others are named byte streams. No byte is lost: host input stays in its stream
/// until the guest opened the port and offers buffers, guest output stays in its buffers until the stream
/// takes it, and while the host has a port closed both wait.
///
/// ASTRA's machine: port 0 is the console, port 1 is abi::control::kPortName.
class Console final : public Device {
  public:
    struct PortSpec {
        std::string name;                                  // what the driver is told; empty: none (port 0)
        HostStream& stream;                                // outlives the device
        bool open = true;                                  // whether the host side is open from the start
        std::function<void(bool open)> guest_opened = {};  // the guest opened or closed it; called with
                                                           // the device's lock held; may be empty
    };

    /// At least one port; port 0 is the console. `columns` and `rows` are its size in characters (0:
    /// unknown).
    Console(std::vector<PortSpec> ports, u16 columns, u16 rows);

    // The host's side; call with the device's lock held.
    /// The port's stream has input.
    void input_ready(u32 port);
    /// The port's stream takes output again.
    void output_ready(u32 port);
    /// Opens or closes the host's end of a port.
    void set_open(u32 port, bool open);
    /// The console's window changed.
    void resize(u16 columns, u16 rows);
    /// Whether the guest has the port open: until then input waits.
    [[nodiscard]] bool guest_open(u32 port) const { return ports_[port].guest_open; }

    [[nodiscard]] std::string_view label() const override { return "virtio-console"; }
    [[nodiscard]] abi::virtio::DeviceId id() const override { return abi::virtio::DeviceId::Console; }
    [[nodiscard]] u64 features() const override;
    [[nodiscard]] std::span<const u16> queue_sizes() const override { return queue_sizes_; }
    [[nodiscard]] std::span<const u8> config() const override;
    void activate() override;
    void reset() override;
    void notified(u16 queue) override;

  private:
    struct Port {
        PortSpec spec;
        bool host_open;
        bool guest_ready = false;  // the driver set the port up
        bool guest_open = false;
        bool input_pending = true;  // the stream may have bytes
        u64 output_offset = 0;      // of the request at the head of the transmit queue, bytes already taken
        u32 announcements = 0;      // control messages still to be sent: bits by Event
    };

    [[nodiscard]] bool multiport() const;
    void receive(u32 port);
    void transmit(u32 port);
    void take_control_messages();
    void control_message(const abi::virtio::console::ControlMessage& message);
    void announce(u32 port, abi::virtio::console::Event event);
    void send_announcements();
    [[nodiscard]] std::vector<u8> encode(u32 port, abi::virtio::console::Event event) const;
    void set_guest_open(u32 port, bool open);

    std::vector<Port> ports_;
    std::vector<u16> queue_sizes_;
    abi::virtio::console::Config config_;
};

}  // namespace astra::vmm::virtio
