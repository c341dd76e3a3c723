// Driver side of the virtio-mmio transport, version 2 (virtio 1.2, 4.2).
#pragma once
#include "guest_kernel/drivers/virtio_device.hpp"

namespace astra::virtio {

/// The command line's word about a window: <size>@<base>:<irq> (Linux kernel-parameters.txt).
inline constexpr char kMmioWord[] = "virtio_mmio.device";

/// The first device of that kind in the command line's windows. ENODEV when there is none; ENOMEM.
Result<Own<Device>> find_mmio_device(abi::virtio::DeviceId id);

}  // namespace astra::virtio
