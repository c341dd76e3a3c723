// Driver side of the virtio-mmio transport, version 2 (virtio 1.2, 4.2).
#pragma once
#include "guest_kernel/drivers/virtqueue.hpp"

namespace astra::virtio {

/// A device found on the command line (virtio_mmio.device=size@base:irq).
class MmioDevice {
  public:
    /// The `index`-th window of the command line; device_id() is 0 for an empty slot. ENODEV when there is no
    /// such word or the window is not a version 2 transport.
    static Result<MmioDevice> find(usize index);

    [[nodiscard]] u32 device_id() const;
    /// Resets, acknowledges, and negotiates VERSION_1 plus the offered subset of `wanted`; returns the
    /// subset. ENODEV when the device refuses.
    Result<u64> negotiate(u64 wanted);
    Result<void> add_queue(u32 index, Queue& queue, bool event_index, u16 size);
    void start();  // DRIVER_OK
    void reset();  // the device forgets its queues
    void notify(u32 queue) const;
    /// Acknowledges both interrupt causes.
    void acknowledge() const;
    [[nodiscard]] u32 config_u32(u32 offset) const;
    [[nodiscard]] u32 irq() const { return irq_; }

  private:
    u32 read(u32 offset) const;
    void write(u32 offset, u32 value) const;
    volatile u8* base_ = nullptr;
    u32 irq_ = 0;
};

}  // namespace astra::virtio
