// Driver side of the virtio-pci transport.
#include "guest_kernel/drivers/virtio_pci.hpp"

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/drivers/log.hpp"
#include "guest_kernel/drivers/pci.hpp"

namespace astra::virtio {

namespace {

using abi::virtio::DeviceId;

constexpr u16 kVendor = 0x1af4;
/// 4.1.2.1: modern ids are this plus the device's kind; those of transitional devices are older.
constexpr u16 kModernBase = 0x1040;
struct Transitional {
    u16 pci_id;
    DeviceId id;
};
constexpr Transitional kTransitional[] = {{0x1000, DeviceId::Net},
                                          {0x1001, DeviceId::Block},
                                          {0x1002, DeviceId::Balloon},
                                          {0x1003, DeviceId::Console},
                                          {0x1005, DeviceId::Rng}};

DeviceId device_id_of(const pci::Function& function) {
    if (function.read16(PCI_VENDOR_ID) != kVendor) return DeviceId::None;
    const u16 id = function.read16(PCI_DEVICE_ID);
    for (const Transitional& row : kTransitional)
        if (row.pci_id == id) return row.id;
    return id > kModernBase && id < kModernBase + 0x40 ? DeviceId(id - kModernBase) : DeviceId::None;
}

template <class T>
T read(const volatile u8* at) {
    return *reinterpret_cast<const volatile T*>(at);
}
template <class T>
void write(volatile u8* at, T value) {
    *reinterpret_cast<volatile T*>(at) = value;
}

class PciDevice final : public Device {
  public:
    /// Finds the structures (4.1.4), lets the device at memory and masks its interrupts. `missing` is what
    /// the device lacks when this fails with ENODEV.
    Result<void> open(const pci::Function& function, const char*& missing);

    void notify(u32 queue) const override {
        write<u16>(notify_ + queue_notify_offset_[queue], static_cast<u16>(queue));
    }
    Result<void> on_interrupt(void (*handler)(void*), void* argument) override;
    /// Messages need none.
    void acknowledge() const override {}
    [[nodiscard]] u32 config_u32(u32 offset) const override { return read<u32>(device_ + offset); }

  protected:
    [[nodiscard]] u8 status() const override { return read<u8>(common_ + VIRTIO_PCI_COMMON_STATUS); }
    void set_status(u8 value) override;
    [[nodiscard]] u32 offered_features(u32 half) const override {
        write(common_ + VIRTIO_PCI_COMMON_DFSELECT, half);
        return read<u32>(common_ + VIRTIO_PCI_COMMON_DF);
    }
    void accept_features(u32 half, u32 features) override {
        write(common_ + VIRTIO_PCI_COMMON_GFSELECT, half);
        write(common_ + VIRTIO_PCI_COMMON_GF, features);
    }
    void select_queue(u32 index) override {
        selected_ = index;
        write(common_ + VIRTIO_PCI_COMMON_Q_SELECT, static_cast<u16>(index));
    }
    [[nodiscard]] u32 max_queue_size() const override {
        return selected_ < kMaxQueues ? read<u16>(common_ + VIRTIO_PCI_COMMON_Q_SIZE) : 0;
    }
    void enable_queue(const Queue& queue) override;

  private:
    static constexpr u32 kMaxQueues = 8;
    static constexpr u16 kVector = 0;  // of the MSI-X table: one for all queues
    Result<void> map_structures(const pci::Function& function);

    volatile u8 *common_ = nullptr, *notify_ = nullptr, *device_ = nullptr, *vector_ = nullptr;
    u32 notify_size_ = 0, notify_multiplier_ = 0;
    u32 queue_notify_offset_[kMaxQueues] = {};
    u32 selected_ = 0;
};

Result<void> PciDevice::map_structures(const pci::Function& function) {
    struct Structure {
        u8 type;
        volatile u8** place;
    };
    const Structure wanted[] = {{VIRTIO_PCI_CAP_COMMON_CFG, &common_},
                                {VIRTIO_PCI_CAP_NOTIFY_CFG, &notify_},
                                {VIRTIO_PCI_CAP_DEVICE_CFG, &device_}};
    for (auto at = function.capability(PCI_CAP_ID_VNDR); at; at = function.capability(PCI_CAP_ID_VNDR, *at)) {
        const u8 type = function.read8(*at + VIRTIO_PCI_CAP_CFG_TYPE);
        for (const Structure& structure : wanted) {
            // The first of each type is the one the device prefers.
            if (structure.type != type || *structure.place) continue;
            const u32 length = function.read32(*at + VIRTIO_PCI_CAP_LENGTH);
            *structure.place = TRY(function.map_bar(function.read8(*at + VIRTIO_PCI_CAP_BAR),
                                                    function.read32(*at + VIRTIO_PCI_CAP_OFFSET), length));
            if (type != VIRTIO_PCI_CAP_NOTIFY_CFG) continue;
            notify_size_ = length;
            notify_multiplier_ = function.read32(*at + VIRTIO_PCI_NOTIFY_CAP_MULT);
        }
    }
    return {};
}

Result<void> PciDevice::open(const pci::Function& function, const char*& missing) {
    const u16 command = function.read16(PCI_COMMAND);
    function.write16(PCI_COMMAND,
                     command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
    missing = "modern interface";
    TRY(map_structures(function));
    if (!common_ || !notify_) return fail(Errno::kENODEV);
    missing = "MSI-X";
    const auto msix = function.capability(PCI_CAP_ID_MSIX);
    if (!msix) return fail(Errno::kENODEV);
    const u32 table = function.read32(*msix + PCI_MSIX_TABLE);
    vector_ =
        TRY(function.map_bar(table & PCI_MSIX_TABLE_BIR, table & PCI_MSIX_TABLE_OFFSET, PCI_MSIX_ENTRY_SIZE));
    // Every entry of the table is masked after a reset (PCI 3.0, 6.8.2.9); on_interrupt unmasks ours.
    const u16 flags = function.read16(*msix + PCI_MSIX_FLAGS);
    function.write16(*msix + PCI_MSIX_FLAGS,
                     static_cast<u16>((flags & ~PCI_MSIX_FLAGS_MASKALL) | PCI_MSIX_FLAGS_ENABLE));
    return {};
}

void PciDevice::set_status(u8 value) {
    write(common_ + VIRTIO_PCI_COMMON_STATUS, value);
    // A reset takes its time; it is over when 0 is read back (4.1.4.3.2).
    while (value == 0 && status() != 0) arch::spin_pause();
}

void PciDevice::enable_queue(const Queue& queue) {
    write<u16>(common_ + VIRTIO_PCI_COMMON_Q_SIZE, queue.size());
    write<u16>(common_ + VIRTIO_PCI_COMMON_Q_MSIX, kVector);
    const u32 offset = read<u16>(common_ + VIRTIO_PCI_COMMON_Q_NOFF) * notify_multiplier_;
    queue_notify_offset_[selected_] = offset + sizeof(u16) <= notify_size_ ? offset : 0;
    auto address = [&](u32 low, PhysAddr value) {
        write(common_ + low, static_cast<u32>(value.raw()));
        write(common_ + low + 4, static_cast<u32>(value.raw() >> 32));
    };
    address(VIRTIO_PCI_COMMON_Q_DESCLO, queue.descriptors());
    address(VIRTIO_PCI_COMMON_Q_AVAILLO, queue.available());
    address(VIRTIO_PCI_COMMON_Q_USEDLO, queue.used());
    write<u16>(common_ + VIRTIO_PCI_COMMON_Q_ENABLE, 1);
}

Result<void> PciDevice::on_interrupt(void (*handler)(void*), void* argument) {
    const arch::MsiMessage message = TRY(arch::install_msi(handler, argument));
    write(vector_ + PCI_MSIX_ENTRY_LOWER_ADDR, static_cast<u32>(message.address));
    write(vector_ + PCI_MSIX_ENTRY_UPPER_ADDR, static_cast<u32>(message.address >> 32));
    write(vector_ + PCI_MSIX_ENTRY_DATA, message.data);
    write(vector_ + PCI_MSIX_ENTRY_VECTOR_CTRL, u32{0});
    return {};
}

/// What a walk over the bus looks for, and what it found.
struct Search {
    DeviceId id;
    Result<Own<Device>> result = fail(Errno::kENODEV);
};

bool try_function(const pci::Function& function, void* argument) {
    auto& search = *static_cast<Search*>(argument);
    if (device_id_of(function) != search.id) return false;
    auto device = make_own<PciDevice>();
    if (!device) {
        search.result = fail(device.error());
        return true;
    }
    const char* missing = "";
    if (auto opened = (*device)->open(function, missing); !opened) {
        log(LogLevel::Warning, "virtio device %u at %u:%u.%u has no usable %s: ignored",
            static_cast<u32>(search.id), function.bus(), function.device(), function.function(), missing);
        return false;
    }
    search.result = Own<Device>(device->leak());
    return true;
}

}  // namespace

Result<Own<Device>> find_pci_device(DeviceId id) {
    Search search{.id = id};
    pci::find(try_function, &search);
    return std::move(search.result);
}

}  // namespace astra::virtio
