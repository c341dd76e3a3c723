// The virtio entropy device (virtio 1.2, 5.4).
#pragma once
#include "guest_kernel/base/result.hpp"

namespace astra::virtio {

/// Takes 64 bytes from the device, if there is one, into the kernel's generator. Errors: ENODEV, ETIMEDOUT.
Result<void> seed_from_rng();

}  // namespace astra::virtio
