// What starting a virtio device takes on every transport.
#include "guest_kernel/drivers/virtio_device.hpp"

#include "guest_kernel/drivers/command_line.hpp"
#include "guest_kernel/drivers/virtio_mmio.hpp"
#include "guest_kernel/drivers/virtio_pci.hpp"

namespace astra::virtio {

using namespace abi::virtio;

namespace {
constexpr u8 kNegotiated = Status::kAcknowledge | Status::kDriver | Status::kFeaturesOk;
}

Result<u64> Device::negotiate(u64 wanted) {
    reset();
    set_status(Status::kAcknowledge | Status::kDriver);
    u64 offered = 0;
    for (u32 half = 0; half < 2; half++) offered |= u64{offered_features(half)} << (32 * half);
    const u64 accepted = (offered & wanted) | kFeatureVersion1;
    for (u32 half = 0; half < 2; half++) accept_features(half, static_cast<u32>(accepted >> (32 * half)));
    set_status(kNegotiated);
    if (!(status() & Status::kFeaturesOk)) return fail(Errno::kENODEV);
    return accepted;
}

Result<void> Device::add_queue(u32 index, Queue& queue, bool event_index, u16 size) {
    select_queue(index);
    const u32 maximum = max_queue_size();
    if (maximum == 0) return fail(Errno::kENODEV);
    TRY(queue.init(size < maximum ? size : static_cast<u16>(maximum), event_index));
    enable_queue(queue);
    return {};
}

void Device::start() { set_status(kNegotiated | Status::kDriverOk); }
void Device::reset() { set_status(0); }

Result<Own<Device>> find_device(DeviceId id) {
    if (command_line_value(kMmioWord)) {
        if (auto device = find_mmio_device(id); device || device.error() != Errno::kENODEV) return device;
        if (!command_line_value("astra.pci")) return fail(Errno::kENODEV);
    }
    return find_pci_device(id);
}

}  // namespace astra::virtio
