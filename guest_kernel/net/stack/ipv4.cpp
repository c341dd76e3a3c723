// IPv4 (RFC 791, RFC 1122, 3.2).
#include <algorithm>

#include "guest_kernel/net/stack/stack.hpp"

namespace astra::inet {

namespace {

constexpr usize kHeader = 20;
constexpr u16 kDontFragment = 0x4000, kMoreFragments = 0x2000, kOffsetMask = 0x1fff;

void write_header(u8* at, usize total, u16 identification, u16 fragment, const Flow& flow) {
    at[0] = 0x45;
    at[1] = flow.traffic_class;
    store16(at + 2, static_cast<u16>(total));
    store16(at + 4, identification);
    store16(at + 6, fragment);
    at[8] = flow.ttl;
    at[9] = flow.protocol;
    store16(at + 10, 0);
    store32(at + 12, flow.from.v4());
    store32(at + 16, flow.to.v4());
    store16(at + 10, checksum(checksum_add(0, {at, kHeader})));
}

}  // namespace

void Stack::receive_v4(Link& link, Own<Packet> packet) {
    counters.ip_received++;
    const u8* header = packet->data();
    auto bad = [&] {
        counters.ip_header_errors++;
        link.received.errors++;
    };
    if (packet->size() < kHeader || header[0] >> 4 != 4) return bad();
    const usize length = usize{header[0] & 0xfu} * 4, total = load16(header + 2);
    if (length < kHeader || total < length || total > packet->size()) return bad();
    if (!packet->trusted && checksum(checksum_add(0, {header, length})) != 0) return bad();
    packet->trim(total);
    packet->from = IpAddress::v4(load32(header + 12));
    packet->to = IpAddress::v4(load32(header + 16));
    packet->ttl = header[8];
    packet->traffic_class = header[1];
    // Addresses that cannot be (RFC 1122, 3.2.1.3), and packets that are not for this machine.
    const bool forged = packet->from.is_multicast() || packet->from.is_broadcast() ||
                        (!link.loopback && (packet->from.is_loopback() || packet->to.is_loopback()));
    const bool ours = is_local(packet->to) || is_broadcast(packet->to) || packet->to.is_multicast();
    // Without an address yet, a DHCP server's answer to the one it offers is taken (RFC 2131, 4.1).
    const bool nameless = link.source_for(packet->to) == IpAddress{};
    if (forged || (!ours && !nameless)) {
        link.received.dropped++;
        return;
    }
    if (load16(header + 6) & (kMoreFragments | kOffsetMask)) {
        const bool trusted = packet->trusted;
        Own<Packet> whole = fragments_.add(std::move(packet), length);
        if (!whole) return;
        counters.ip_reassembled++;
        packet = std::move(whole);
        packet->trusted = trusted;
        header = packet->data();
    }
    const usize header_length = usize{header[0] & 0xfu} * 4;
    const u8 protocol = header[9];
    std::span<const u8> header_bytes(header, header_length);
    packet->strip(header_length);
    deliver(link, std::move(packet), protocol, header_bytes);
}

Result<void> Stack::send_v4(Link& link, const IpAddress& next_hop, Own<Packet> packet, const Flow& flow) {
    const usize total = kHeader + packet->size();
    const bool cut_later = packet->segment_size > 0;
    if (total > 0xffff) return fail(Errno::kEMSGSIZE);
    if (total > link.mtu && !cut_later) {
        if (flow.dont_fragment) return fail(Errno::kEMSGSIZE);
        return send_fragments(link, next_hop, *packet, flow);
    }
    // A datagram that is never fragmented needs no identification (RFC 6864), but some middleboxes look at
    // it.
    u8* header = packet->prepend(kHeader);
    write_header(header, total, ++identification_, flow.dont_fragment ? kDontFragment : 0, flow);
    packet->checksum_start = static_cast<u16>(packet->checksum_start + kHeader);
    output(link, next_hop, std::move(packet));
    return {};
}

Result<void> Stack::send_fragments(Link& link, const IpAddress& next_hop, Packet& packet, const Flow& flow) {
    if (packet.partial_checksum) {  // the device cannot: it sees a part only
        const u16 sum = checksum(checksum_add(0, packet.bytes()));
        store16(packet.data() + packet.checksum_offset, sum == 0 && flow.protocol == kUdp ? 0xffff : sum);
    }
    const usize step = (link.mtu - kHeader) & ~usize{7};
    const u16 identification = ++identification_;
    for (usize offset = 0; offset < packet.size(); offset += step) {
        const usize size = std::min(step, packet.size() - offset);
        Own<Packet> part = TRY(Packet::make(size));
        __builtin_memcpy(part->data(), packet.data() + offset, size);
        const bool more = offset + size < packet.size();
        write_header(part->prepend(kHeader), kHeader + size, identification,
                     static_cast<u16>((more ? kMoreFragments : 0) | offset / 8), flow);
        output(link, next_hop, std::move(part));
    }
    return {};
}

}  // namespace astra::inet
