// Network interfaces as the stack sees them.
#pragma once
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/net/stack/packet.hpp"

namespace astra::inet {

struct LinkAddress {
    IpAddress address;
    u32 prefix = 0;
};

/// Packets that went one way.
struct LinkCounters {
    u64 packets = 0, bytes = 0, errors = 0, dropped = 0;
};

/// One interface. The stack's owner makes it and keeps it while the stack lives.
class Link {
  public:
    virtual ~Link() = default;
    /// Sends a frame, which has its Ethernet header when the link has one. Never fails: what finds no room is
    /// dropped and counted.
    virtual void transmit(Own<Packet> frame) = 0;

    u32 index = 0;  // 1…, given by the stack
    char name[16] = {};
    bool loopback = false;
    MacAddress mac{};
    u32 mtu = 1500;                 // of network-layer packets
    bool checksum_offload = false;  // partial_checksum packets may be handed over
    u32 max_segmented = 0;          // bytes of TCP payload in a packet with segment_size; 0: not offered
    Vector<LinkAddress> addresses;
    LinkCounters received, sent;

    [[nodiscard]] bool has(const IpAddress& address) const {
        for (const LinkAddress& own : addresses)
            if (own.address == address) return true;
        return false;
    }
    /// An address of the link of `other`'s family, for packets to it; unspecified: none.
    [[nodiscard]] IpAddress source_for(const IpAddress& other) const {
        IpAddress found{};
        for (const LinkAddress& own : addresses) {
            if (own.address.is_v4() != other.is_v4()) continue;
            if (own.address.is_link_local() == other.is_link_local()) return own.address;
            found = own.address;
        }
        return found;
    }
};

}  // namespace astra::inet
