// Driver side of the virtio-mmio transport.
#include "guest_kernel/drivers/virtio_mmio.hpp"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/drivers/command_line.hpp"

namespace astra::virtio {

namespace {
constexpr u32 kMagic = 0x74726976;  // "virt"
}

u32 MmioDevice::read(u32 offset) const { return *reinterpret_cast<volatile u32*>(base_ + offset); }
void MmioDevice::write(u32 offset, u32 value) const {
    *reinterpret_cast<volatile u32*>(base_ + offset) = value;
}

Result<MmioDevice> MmioDevice::find(usize index) {
    auto text = command_line_value("virtio_mmio.device", index);
    if (!text) return fail(Errno::kENODEV);
    auto size = take_number(*text);
    if (!size || !text->starts_with('@')) return fail(Errno::kENODEV);
    text->remove_prefix(1);
    auto base = take_number(*text);
    if (!base || !text->starts_with(':')) return fail(Errno::kENODEV);
    text->remove_prefix(1);
    auto irq = take_number(*text);
    if (!irq) return fail(Errno::kENODEV);
    MmioDevice device;
    device.base_ = static_cast<volatile u8*>(arch::phys_to_virt(PhysAddr(*base)));
    device.irq_ = static_cast<u32>(*irq);
    if (device.read(VIRTIO_MMIO_MAGIC_VALUE) != kMagic || device.read(VIRTIO_MMIO_VERSION) != 2)
        return fail(Errno::kENODEV);
    return device;
}

u32 MmioDevice::device_id() const { return read(VIRTIO_MMIO_DEVICE_ID); }

Result<u64> MmioDevice::negotiate(u64 wanted) {
    write(VIRTIO_MMIO_STATUS, 0);
    u32 status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
    write(VIRTIO_MMIO_STATUS, status);
    u64 offered = 0;
    for (u32 half = 0; half < 2; half++) {
        write(VIRTIO_MMIO_DEVICE_FEATURES_SEL, half);
        offered |= u64{read(VIRTIO_MMIO_DEVICE_FEATURES)} << (32 * half);
    }
    u64 accepted = (offered & wanted) | (u64{1} << VIRTIO_F_VERSION_1);
    for (u32 half = 0; half < 2; half++) {
        write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        write(VIRTIO_MMIO_DRIVER_FEATURES, static_cast<u32>(accepted >> (32 * half)));
    }
    status |= VIRTIO_CONFIG_S_FEATURES_OK;
    write(VIRTIO_MMIO_STATUS, status);
    if (!(read(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK)) return fail(Errno::kENODEV);
    return accepted;
}

Result<void> MmioDevice::add_queue(u32 index, Queue& queue, bool event_index, u16 size) {
    write(VIRTIO_MMIO_QUEUE_SEL, index);
    u32 maximum = read(VIRTIO_MMIO_QUEUE_NUM_MAX);
    if (maximum == 0) return fail(Errno::kENODEV);
    TRY(queue.init(size < maximum ? size : static_cast<u16>(maximum), event_index));
    write(VIRTIO_MMIO_QUEUE_NUM, queue.size());
    auto address = [&](u32 low, PhysAddr value) {
        write(low, static_cast<u32>(value.raw()));
        write(low + 4, static_cast<u32>(value.raw() >> 32));
    };
    address(VIRTIO_MMIO_QUEUE_DESC_LOW, queue.descriptors());
    address(VIRTIO_MMIO_QUEUE_AVAIL_LOW, queue.available());
    address(VIRTIO_MMIO_QUEUE_USED_LOW, queue.used());
    write(VIRTIO_MMIO_QUEUE_READY, 1);
    return {};
}

void MmioDevice::reset() { write(VIRTIO_MMIO_STATUS, 0); }
void MmioDevice::start() { write(VIRTIO_MMIO_STATUS, read(VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK); }
void MmioDevice::notify(u32 queue) const { write(VIRTIO_MMIO_QUEUE_NOTIFY, queue); }
void MmioDevice::acknowledge() const {
    write(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG);
}
u32 MmioDevice::config_u32(u32 offset) const { return read(VIRTIO_MMIO_CONFIG + offset); }

}  // namespace astra::virtio
