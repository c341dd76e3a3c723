// Driver side of the virtio-mmio transport.
#include "guest_kernel/drivers/virtio_mmio.hpp"

#include <linux/virtio_mmio.h>

#include <optional>

#include "guest_kernel/abi/machine.hpp"
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/drivers/command_line.hpp"

namespace astra::virtio {

namespace {

/// A window of the command line.
struct Window {
    PhysAddr base;
    u32 irq;
};

std::optional<Window> parse_window(std::string_view text) {
    auto size = take_number(text);
    if (!size || !text.starts_with('@')) return std::nullopt;
    text.remove_prefix(1);
    auto base = take_number(text);
    if (!base || !text.starts_with(':')) return std::nullopt;
    text.remove_prefix(1);
    auto irq = take_number(text);
    if (!irq) return std::nullopt;
    return Window{PhysAddr(*base), static_cast<u32>(*irq)};
}

class MmioDevice final : public Device {
  public:
    explicit MmioDevice(Window window)
        : base_(static_cast<volatile u8*>(arch::phys_to_virt(window.base))), irq_(window.irq) {}

    /// False when the window holds no version 2 device of that kind (an empty slot's kind is 0).
    [[nodiscard]] bool is(abi::virtio::DeviceId id) const {
        return read(VIRTIO_MMIO_MAGIC_VALUE) == abi::virtio::mmio::kMagic &&
               read(VIRTIO_MMIO_VERSION) == abi::virtio::mmio::kVersion &&
               read(VIRTIO_MMIO_DEVICE_ID) == static_cast<u32>(id);
    }

    void notify(u32 queue) const override { write(VIRTIO_MMIO_QUEUE_NOTIFY, queue); }
    Result<void> on_interrupt(void (*handler)(void*), void* argument) override {
        return arch::install_irq(irq_, handler, argument);
    }
    void acknowledge() const override {
        write(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
    }
    [[nodiscard]] u32 config_u32(u32 offset) const override { return read(VIRTIO_MMIO_CONFIG + offset); }

  protected:
    [[nodiscard]] u8 status() const override { return static_cast<u8>(read(VIRTIO_MMIO_STATUS)); }
    void set_status(u8 status) override { write(VIRTIO_MMIO_STATUS, status); }
    [[nodiscard]] u32 offered_features(u32 half) const override {
        write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, half);
        return read(VIRTIO_MMIO_DEVICE_FEATURES);
    }
    void accept_features(u32 half, u32 features) override {
        write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        write(VIRTIO_MMIO_DRIVER_FEATURES, features);
    }
    void select_queue(u32 index) override { write(VIRTIO_MMIO_QUEUE_SEL, index); }
    [[nodiscard]] u32 max_queue_size() const override { return read(VIRTIO_MMIO_QUEUE_NUM_MAX); }
    void enable_queue(const Queue& queue) override {
        write(VIRTIO_MMIO_QUEUE_NUM, queue.size());
        auto address = [&](u32 low, PhysAddr value) {
            write(low, static_cast<u32>(value.raw()));
            write(low + 4, static_cast<u32>(value.raw() >> 32));
        };
        address(VIRTIO_MMIO_QUEUE_DESC_LOW, queue.descriptors());
        address(VIRTIO_MMIO_QUEUE_AVAIL_LOW, queue.available());
        address(VIRTIO_MMIO_QUEUE_USED_LOW, queue.used());
        write(VIRTIO_MMIO_QUEUE_READY, 1);
    }

  private:
    [[nodiscard]] u32 read(u32 offset) const { return *reinterpret_cast<volatile u32*>(base_ + offset); }
    void write(u32 offset, u32 value) const { *reinterpret_cast<volatile u32*>(base_ + offset) = value; }
    volatile u8* base_;
    u32 irq_;
};

}  // namespace

Result<Own<Device>> find_mmio_device(abi::virtio::DeviceId id) {
    for (usize i = 0;; i++) {
        auto text = command_line_value(kMmioWord, i);
        if (!text) return fail(Errno::kENODEV);
        auto window = parse_window(*text);
        if (!window || !MmioDevice(*window).is(id)) continue;
        auto device = TRY(make_own<MmioDevice>(*window));
        return Own<Device>(device.leak());
    }
}

}  // namespace astra::virtio
