// Driver of the virtio network device (virtio 1.2, 5.1).
#pragma once
#include "guest_kernel/drivers/virtio_device.hpp"
#include "guest_kernel/net/stack/link.hpp"

namespace astra::virtio {

/// Finds and starts the network device, and adds it to the stack as eth0, without an address. Errors: ENODEV
/// (there is none), ENOMEM.
Result<inet::Link*> start_network_device();

}  // namespace astra::virtio
