// What a virtio device is to its transport, and the transport to the device.
#pragma once
#include <span>
#include <string_view>

#include "guest_kernel/abi/virtio.hpp"
#include "vmm/virtio/queue.hpp"

namespace astra::vmm::virtio {

/// The transport, as its device uses it. Calls are made with the device's lock held, like all of a device's
/// own.
class Transport {
  public:
    virtual ~Transport() = default;
    [[nodiscard]] virtual Queue& queue(u16 index) = 0;
    /// The driver set DRIVER_OK and the device is not broken: queues may be used.
    [[nodiscard]] virtual bool live() const = 0;
    /// Feature bits both sides agreed on. Meaningful while live().
    [[nodiscard]] virtual u64 features() const = 0;
    /// Tells the driver that buffers were used.
    virtual void raise_used() = 0;
    /// Tells the driver that the configuration space changed; a new generation begins.
    virtual void config_changed() = 0;
    /// The driver broke the protocol: sets DEVICE_NEEDS_RESET (2.1.2); the device rests until it is reset.
    virtual void fail(std::string_view reason) = 0;
    /// Has the queue visited again soon, from the device thread, so that one busy queue cannot keep a thread.
    virtual void visit_again(u16 queue) = 0;
};

/// A virtio device behind some transport. Its queues are processed under the device's lock (see Bus) by
/// whichever thread brings the kick: a vCPU's (register write) or the device thread (ioeventfd, host input).
class Device {
  public:
    virtual ~Device() = default;
    [[nodiscard]] virtual std::string_view label() const = 0;
    [[nodiscard]] virtual abi::virtio::DeviceId id() const = 0;
    /// Feature bits of this device type; the transport adds the generic ones.
    [[nodiscard]] virtual u64 features() const = 0;
    /// The largest size of each queue, in queue order.
    [[nodiscard]] virtual std::span<const u16> queue_sizes() const = 0;
    /// The configuration space as it is now; reads past its end give zeros.
    [[nodiscard]] virtual std::span<const u8> config() const { return {}; }
    /// A write of the driver into configuration space. Most devices have nothing to write.
    virtual void write_config(u64 offset, std::span<const u8> data) { (void)offset, (void)data; }
    /// The driver is ready: serve what the queues hold.
    virtual void activate() = 0;
    /// Device reset: forget everything the driver said.
    virtual void reset() = 0;
    /// The driver offers buffers in `queue` (it may also have lied).
    virtual void notified(u16 queue) = 0;

    /// Called once by the transport, before anything else.
    void attach(Transport& transport) { transport_ = &transport; }

    static constexpr u32 kRequestsPerVisit = 256;

  protected:
    [[nodiscard]] Transport& transport() const { return *transport_; }

    /// Gives each request of the queue to `handle(Chain&)`, which returns the bytes it wrote, or nullopt when
    /// it cannot go on now (the request then stays in the queue). Stops after kRequestsPerVisit of
    /// them to let others run.
    template <class Handle>
    void serve(u16 index, Handle handle);

  private:
    Transport* transport_ = nullptr;
    Chain chain_;  // serve()'s, kept so that it allocates once
};

template <class Handle>
void Device::serve(u16 index, Handle handle) {
    if (!transport().live()) return;
    Queue& queue = transport().queue(index);
    Chain chain = std::move(chain_);  // so that a handler that serves another queue does no harm
    bool stopped = false;
    for (u32 budget = kRequestsPerVisit; !stopped && transport().live(); --budget) {
        if (budget == 0) {
            transport().visit_again(index);
            break;
        }
        auto found = queue.pop(chain);
        if (!found) return transport().fail(found.error().reason);
        if (!*found) break;
        if (std::optional<u32> written = handle(chain))
            queue.push(chain, *written);
        else
            queue.unpop(), stopped = true;
    }
    chain_ = std::move(chain);
    if (queue.wants_interrupt()) transport().raise_used();
}

}  // namespace astra::vmm::virtio
