// Asking a DHCP server for the network device's address.
#pragma once
#include "guest_kernel/net/inet/network.hpp"
#include "guest_kernel/net/stack/dhcp.hpp"

namespace astra::net {

/// Asks, several times, and gives the link what was granted. The lease is not renewed. Sleeps. Errors:
/// ETIMEDOUT (nobody answered), EINTR and the like, ENOMEM.
Result<inet::dhcp::Lease> acquire_lease(inet::Link& link);

}  // namespace astra::net
