// SYN cookies: a flood of SYNs costs no memory, as what a connection needs comes back with its
// acknowledgement (RFC 4987, 3.6; D. J. Bernstein, "SYN cookies").
#pragma once
#include "guest_kernel/net/stack/stack.hpp"
#include "guest_kernel/net/tcp/header.hpp"

namespace astra::inet::tcp {

/// For how long a cookie is good at most.
inline constexpr u64 kCookieLifeNs = u64{2} * 64 * 1'000'000'000;

/// The initial sequence number that answers the SYN `syn`.
u32 make_cookie(Stack& stack, const Endpoint& local, const Endpoint& remote, const Header& syn);
/// The maximum segment size that was agreed on with the cookie which `ack` brings back; 0: it is none of
/// ours, or too old.
u16 check_cookie(Stack& stack, const Endpoint& local, const Endpoint& remote, const Header& ack);

}  // namespace astra::inet::tcp
