// A virtio device as its driver sees it, whichever transport (virtio-mmio, virtio-pci) it hangs on.
#pragma once
#include "guest_kernel/abi/virtio.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/drivers/virtqueue.hpp"

namespace astra::virtio {

/// The driver's side of virtio 1.2, 3.1. Legacy devices are not supported.
class Device {
  public:
    virtual ~Device() = default;

    /// Resets, acknowledges, and negotiates VERSION_1 plus the offered subset of `wanted`; returns what was
    /// accepted. ENODEV when the device refuses.
    Result<u64> negotiate(u64 wanted);
    /// Gives the device a queue of at most `size` descriptors. ENODEV when it has no queue `index`; ENOMEM.
    Result<void> add_queue(u32 index, Queue& queue, bool event_index, u16 size);
    void start();  // DRIVER_OK
    void reset();  // the device forgets its queues

    virtual void notify(u32 queue) const = 0;
    /// Has `handler(argument)` run in interrupt context for every queue. Once. Errors: those of
    /// arch::install_irq and arch::install_msi.
    virtual Result<void> on_interrupt(void (*handler)(void*), void* argument) = 0;
    /// For the handler: takes the interrupt's causes back where the transport keeps them.
    virtual void acknowledge() const = 0;
    /// A word of the device's own configuration.
    [[nodiscard]] virtual u32 config_u32(u32 offset) const = 0;

  protected:
    [[nodiscard]] virtual u8 status() const = 0;
    /// 0 resets the device; it has forgotten everything on return.
    virtual void set_status(u8 status) = 0;
    /// Half 0: feature bits 0 to 31, half 1: 32 to 63.
    [[nodiscard]] virtual u32 offered_features(u32 half) const = 0;
    virtual void accept_features(u32 half, u32 features) = 0;
    /// Makes `index` the queue that the next two are about.
    virtual void select_queue(u32 index) = 0;
    /// The selected queue's largest size, 0 when there is none.
    [[nodiscard]] virtual u32 max_queue_size() const = 0;
    virtual void enable_queue(const Queue& queue) = 0;
};

/// The first device of that kind: in the windows that the command line names (virtio_mmio.device), or on the
/// PCI bus when it names none or has `astra.pci`. ENODEV when there is none; ENOMEM.
Result<Own<Device>> find_device(abi::virtio::DeviceId id);

}  // namespace astra::virtio
