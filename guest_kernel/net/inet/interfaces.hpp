// Questions about interfaces by ioctl(2), which sockets of every family answer (netdevice(7)).
#pragma once
#include "guest_kernel/base/result.hpp"

namespace astra::net {

/// SIOCGIF…; the network is brought up for it. Errors: ENOTTY (no such request), ENODEV, EFAULT, ENOMEM.
Result<i64> interface_ioctl(u32 request, u64 argument);

}  // namespace astra::net
