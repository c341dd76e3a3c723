// DHCP messages (RFC 2131, RFC 2132): what a client says and hears. The conversation is its caller's.
#pragma once
#include "guest_kernel/net/stack/packet.hpp"

namespace astra::inet::dhcp {

inline constexpr u16 kServerPort = 67, kClientPort = 68;
enum class Kind : u8 { Discover = 1, Offer = 2, Request = 3, Decline = 4, Ack = 5, Nak = 6 };

/// What a server offers or grants.
struct Lease {
    Kind kind{};
    IpAddress address, server;       // server unspecified: it did not say
    u32 prefix = 0;                  // 0: it did not say
    IpAddress gateway, name_server;  // unspecified: none
};

/// A Discover, or with `offer` the Request for it. Errors: ENOMEM.
Result<Own<Packet>> compose(const MacAddress& mac, u32 transaction, const Lease* offer);
/// Reads an answer to `transaction`; false when it is none.
bool parse(std::span<const u8> message, const MacAddress& mac, u32 transaction, Lease& out);

}  // namespace astra::inet::dhcp
