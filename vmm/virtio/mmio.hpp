// The virtio-mmio transport, modern (VIRTIO 1.2, 4.2): the register file in front of a virtio device.
#pragma once
#include <functional>
#include <vector>

#include "vmm/devices/device.hpp"
#include "vmm/virtio/device.hpp"

namespace astra::vmm::virtio {

/// Window: abi::machine::kVirtioStride bytes of memory.
///
/// A kick reaches the device by the QueueNotify register or, without an exit to the vCPU's thread, by an
/// ioeventfd that the machine puts on (window + kNotifyOffset, 4 bytes, datamatch = queue) and answers with
/// notify(queue) under the device's lock.
class MmioTransport final : public vmm::Device, private Transport {
  public:
    static constexpr u64 kNotifyOffset = abi::virtio::mmio::kQueueNotify;
    /// Asks the machine to call notify(queue) soon from the device thread (for instance by writing its
    /// ioeventfd).
    using VisitAgain = std::function<void(u16 queue)>;
    /// Told once when the driver broke the protocol, before it is told to reset the device.
    using ReportFault = std::function<void(std::string_view label, std::string_view reason)>;

    /// The referents outlive the transport. `irq` is a level: raised by every interrupt, even when it is high
    /// already (a line made of edges may send each one), lowered when the driver acknowledged all causes.
    MmioTransport(const GuestMemory& memory, IrqLine& irq, virtio::Device& device, VisitAgain visit_again,
                  ReportFault report_fault);

    [[nodiscard]] std::string_view label() const override { return device_.label(); }
    void read(u64 offset, std::span<u8> data) override;
    void write(u64 offset, std::span<const u8> data) override;

    [[nodiscard]] u16 queue_count() const { return static_cast<u16>(queues_.size()); }
    /// The driver kicked `queue`. Ignored when there is no such queue or the device is not live.
    void notify(u32 queue);

  private:
    Queue& queue(u16 index) override { return queues_[index]; }
    bool live() const override;
    u64 features() const override { return driver_features_; }
    void raise_used() override { raise(abi::virtio::mmio::kUsedBuffer); }
    void config_changed() override;
    void fail(std::string_view reason) override;
    void visit_again(u16 queue) override { visit_again_(queue); }

    [[nodiscard]] u64 offered_features() const;
    [[nodiscard]] u32 read_register(u64 offset) const;
    void write_register(u64 offset, u32 value);
    void write_queue_register(u64 offset, u32 value);
    void write_status(u32 value);
    void enable_queue(Queue& queue);
    void acknowledge(u32 causes);
    void reset();
    void raise(u32 cause);

    const GuestMemory& memory_;
    IrqLine& irq_;
    virtio::Device& device_;
    VisitAgain visit_again_;
    ReportFault report_fault_;
    std::vector<Queue> queues_;

    u32 status_ = 0;
    u32 interrupt_status_ = 0;
    u32 config_generation_ = 0;
    u32 device_features_select_ = 0, driver_features_select_ = 0, queue_select_ = 0;
    u64 driver_features_ = 0;
};

}  // namespace astra::vmm::virtio
