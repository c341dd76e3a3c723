// Driver side of the virtio-pci transport (virtio 1.2, 4.1): modern devices, interrupts by MSI-X.
#pragma once
#include "guest_kernel/drivers/virtio_device.hpp"

namespace astra::virtio {

/// The first usable device of that kind on the PCI bus. A legacy-only device, or one without MSI-X, is logged
/// and passed over. ENODEV when there is none; ENOMEM.
Result<Own<Device>> find_pci_device(abi::virtio::DeviceId id);

}  // namespace astra::virtio
