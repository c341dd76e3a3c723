// IPv6 (RFC 8200), without extension headers: packets that carry some are dropped.
#include "guest_kernel/net/stack/stack.hpp"

namespace astra::inet {

namespace {
constexpr usize kHeader = 40;
}

void Stack::receive_v6(Link& link, Own<Packet> packet) {
    counters.ip_received++;
    const u8* header = packet->data();
    if (packet->size() < kHeader || header[0] >> 4 != 6 || load16(header + 4) + kHeader > packet->size()) {
        counters.ip_header_errors++;
        link.received.errors++;
        return;
    }
    packet->trim(load16(header + 4) + kHeader);
    packet->from = IpAddress::v6(header + 8);
    packet->to = IpAddress::v6(header + 24);
    packet->ttl = header[7];
    packet->traffic_class = static_cast<u8>(header[0] << 4 | header[1] >> 4);
    const bool forged = packet->from.is_multicast() || packet->from.is_v4() || packet->to.is_v4() ||
                        (!link.loopback && (packet->from.is_loopback() || packet->to.is_loopback()));
    if (forged || !(is_local(packet->to) || packet->to.is_multicast())) {
        link.received.dropped++;
        return;
    }
    const u8 protocol = header[6];
    std::span<const u8> header_bytes(header, kHeader);
    packet->strip(kHeader);
    deliver(link, std::move(packet), protocol, header_bytes);
}

Result<void> Stack::send_v6(Link& link, const IpAddress& next_hop, Own<Packet> packet, const Flow& flow) {
    const usize length = packet->size();
    if (length > 0xffff || (length + kHeader > link.mtu && !packet->segment_size))
        return fail(Errno::kEMSGSIZE);
    u8* header = packet->prepend(kHeader);
    header[0] = static_cast<u8>(0x60 | flow.traffic_class >> 4);
    header[1] = static_cast<u8>(flow.traffic_class << 4);
    store16(header + 2, 0);
    store16(header + 4, static_cast<u16>(length));
    header[6] = flow.protocol;
    header[7] = flow.ttl;
    __builtin_memcpy(header + 8, flow.from.bytes, 16);
    __builtin_memcpy(header + 24, flow.to.bytes, 16);
    packet->checksum_start = static_cast<u16>(packet->checksum_start + kHeader);
    output(link, next_hop, std::move(packet));
    return {};
}

}  // namespace astra::inet
