// MmioTransport: register semantics and the device status machine.
#include "vmm/virtio/mmio.hpp"

#include <algorithm>
#include <cstring>

namespace astra::vmm::virtio {
namespace {

using namespace abi::virtio;

constexpr u32 kVendor = 0x5254'5341;  // "ASTR"
constexpr u64 kGenericFeatures = kFeatureVersion1 | kFeatureEventIdx | kFeatureIndirectDesc;

u32 half(u64 value, u32 which) {
    return which == 0 ? static_cast<u32>(value) : static_cast<u32>(value >> 32);
}
u64 with_half(u64 value, u32 which, u32 bits) {
    return which == 0 ? (value & ~u64{0xffff'ffff}) | bits : (value & 0xffff'ffff) | u64{bits} << 32;
}

/// The order in which a driver sets status bits (3.1.1): each needs the one before.
struct StatusStep {
    u32 bit, needs;
};
constexpr StatusStep kStatusSteps[] = {{kAcknowledge, 0},
                                       {kDriver, kAcknowledge},
                                       {kFeaturesOk, kDriver},
                                       {kDriverOk, kFeaturesOk},
                                       {kFailed, 0}};

}  // namespace

MmioTransport::MmioTransport(const GuestMemory& memory, IrqLine& irq, virtio::Device& device,
                             VisitAgain visit_again, ReportFault report_fault)
    : memory_(memory),
      irq_(irq),
      device_(device),
      visit_again_(std::move(visit_again)),
      report_fault_(std::move(report_fault)) {
    for (u16 size : device.queue_sizes()) queues_.emplace_back(size);
    device.attach(*this);
}

bool MmioTransport::live() const { return (status_ & (kDriverOk | kNeedsReset | kFailed)) == kDriverOk; }

u64 MmioTransport::offered_features() const { return device_.features() | kGenericFeatures; }

void MmioTransport::read(u64 offset, std::span<u8> data) {
    if (offset >= mmio::kConfig) {
        std::span<const u8> config = device_.config();
        for (u64 at = offset - mmio::kConfig; u8 & byte : data) {
            byte = at < config.size() ? config[at] : 0;
            ++at;
        }
    } else if (data.size() == sizeof(u32) && is_aligned(offset, sizeof(u32))) {
        u32 value = read_register(offset);
        std::memcpy(data.data(), &value, sizeof value);
    } else {
        std::ranges::fill(data, u8{0xff});
    }
}

void MmioTransport::write(u64 offset, std::span<const u8> data) {
    if (offset >= mmio::kConfig) return device_.write_config(offset - mmio::kConfig, data);
    if (data.size() != sizeof(u32) || !is_aligned(offset, sizeof(u32))) return;
    u32 value = 0;
    std::memcpy(&value, data.data(), sizeof value);
    write_register(offset, value);
}

u32 MmioTransport::read_register(u64 offset) const {
    const Queue* queue = queue_select_ < queues_.size() ? &queues_[queue_select_] : nullptr;
    switch (offset) {
        case mmio::kMagicValue: return mmio::kMagic;
        case mmio::kVersionRegister: return mmio::kVersion;
        case mmio::kDeviceId: return static_cast<u32>(device_.id());
        case mmio::kVendorId: return kVendor;
        case mmio::kDeviceFeatures:
            return device_features_select_ < 2 ? half(offered_features(), device_features_select_) : 0;
        case mmio::kQueueNumMax: return queue ? queue->max_size() : 0;
        case mmio::kQueueReady: return queue ? queue->ready() : 0;
        case mmio::kInterruptStatus: return interrupt_status_;
        case mmio::kStatus: return status_;
        case mmio::kConfigGeneration: return config_generation_;
        default:
            return ~u32{
                0};  // write-only, unknown, and the length of shared memory that does not exist (4.2.2)
    }
}

void MmioTransport::write_register(u64 offset, u32 value) {
    switch (offset) {
        case mmio::kDeviceFeaturesSel: device_features_select_ = value; break;
        case mmio::kDriverFeaturesSel: driver_features_select_ = value; break;
        case mmio::kDriverFeatures:
            if (!(status_ & kFeaturesOk) && driver_features_select_ < 2)
                driver_features_ = with_half(driver_features_, driver_features_select_, value);
            break;
        case mmio::kQueueSel: queue_select_ = value; break;
        case mmio::kQueueNotify: notify(value); break;
        case mmio::kInterruptAck: acknowledge(value); break;
        case mmio::kStatus: write_status(value); break;
        default: write_queue_register(offset, value); break;
    }
}

void MmioTransport::write_queue_register(u64 offset, u32 value) {
    if (queue_select_ >= queues_.size()) return;
    Queue& queue = queues_[queue_select_];
    auto address = [&](PhysAddr old, u32 which) { return PhysAddr(with_half(old.raw(), which, value)); };
    switch (offset) {
        case mmio::kQueueNum: queue.set_size(value); break;
        case mmio::kQueueReady: value & 1 ? enable_queue(queue) : queue.disable(); break;
        case mmio::kQueueDescLow: queue.set_descriptors(address(queue.descriptors(), 0)); break;
        case mmio::kQueueDescHigh: queue.set_descriptors(address(queue.descriptors(), 1)); break;
        case mmio::kQueueDriverLow: queue.set_available(address(queue.available(), 0)); break;
        case mmio::kQueueDriverHigh: queue.set_available(address(queue.available(), 1)); break;
        case mmio::kQueueDeviceLow: queue.set_used(address(queue.used(), 0)); break;
        case mmio::kQueueDeviceHigh: queue.set_used(address(queue.used(), 1)); break;
        default: break;  // read-only or unknown
    }
}

/// Features decide how the rings work, so a queue cannot start before they are settled.
void MmioTransport::enable_queue(Queue& queue) {
    if (!(status_ & kFeaturesOk) || queue.ready()) return;
    if (auto enabled = queue.enable(memory_, driver_features_); !enabled) fail(enabled.error().reason);
}

void MmioTransport::write_status(u32 value) {
    if (value == 0) return reset();
    // A driver never clears single bits (2.1.1); NEEDS_RESET is the device's to set.
    if (status_ & ~value & ~u32{kNeedsReset}) return;
    for (auto [bit, needs] : kStatusSteps) {
        if (!(value & bit) || (status_ & bit) || (status_ & needs) != needs) continue;
        bool acceptable = !(driver_features_ & ~offered_features()) && (driver_features_ & kFeatureVersion1);
        if (bit == kFeaturesOk && !acceptable) continue;
        status_ |= bit;
        if (bit == kDriverOk && live()) device_.activate();
    }
}

void MmioTransport::notify(u32 queue) {
    if (queue < queues_.size() && live()) device_.notified(static_cast<u16>(queue));
}

void MmioTransport::acknowledge(u32 causes) {
    u32 before = interrupt_status_;
    interrupt_status_ &= ~causes;
    if (before && !interrupt_status_) irq_.set(false);
}

void MmioTransport::raise(u32 cause) {
    interrupt_status_ |= cause;
    irq_.set(true);
}

void MmioTransport::config_changed() {
    ++config_generation_;
    if (live()) raise(mmio::kConfigChange);
}

void MmioTransport::fail(std::string_view reason) {
    if (status_ & kNeedsReset) return;
    status_ |= kNeedsReset;
    report_fault_(device_.label(), reason);
    if (status_ & kDriverOk) raise(mmio::kConfigChange);  // 2.1.2
}

void MmioTransport::reset() {
    acknowledge(~u32{0});
    status_ = 0;
    device_features_select_ = driver_features_select_ = queue_select_ = 0;
    driver_features_ = 0;
    for (Queue& queue : queues_) queue.reset();
    device_.reset();
}

}  // namespace astra::vmm::virtio
