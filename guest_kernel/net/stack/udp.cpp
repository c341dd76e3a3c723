// UDP (RFC 768, RFC 1122, 4.1).
#include "guest_kernel/net/stack/udp.hpp"

#include <algorithm>

#include "guest_kernel/net/stack/stack.hpp"

namespace astra::inet {

namespace {
constexpr usize kHeader = 8;
constexpr usize kMaxPayload = 0xffff - 20 - kHeader;
}  // namespace

Own<Packet> UdpPort::take() {
    Own<Packet> packet(queue_.pop_front());
    if (packet) queued_ -= packet->cost();
    return packet;
}

int UdpPort::take_error() { return std::exchange(error_, 0); }

void UdpPort::deliver(Own<Packet> packet) {
    if (queued_ + packet->cost() > limit && !queue_.empty()) {
        dropped++;
        return;
    }
    queued_ += packet->cost();
    queue_.push_back(*packet.leak());
    notify(kReadableChange);
}

void UdpPort::on_unreachable(Errno error, u32) {
    if (!connected() && !report_errors) return;
    error_ = static_cast<int>(error);
    notify(kStateChange);
}

Result<void> Stack::send_udp(UdpPort& port, const IpAddress& from, const Endpoint& to, Own<Packet> payload) {
    if (payload->size() > kMaxPayload) return fail(Errno::kEMSGSIZE);
    if (is_broadcast(to.address) && !port.broadcast) return fail(Errno::kEACCES);
    u8* header = payload->prepend(kHeader);
    const usize length = payload->size();
    store16(header, port.local.port);
    store16(header + 2, to.port);
    store16(header + 4, static_cast<u16>(length));
    store16(header + 6, checksum_fold(pseudo_sum(from, to.address, kUdp, length)));
    payload->partial_checksum = true;
    payload->checksum_start = 0;
    payload->checksum_offset = 6;
    counters.udp_sent++;
    return send(std::move(payload), {.from = from,
                                     .to = to.address,
                                     .protocol = kUdp,
                                     .ttl = port.ttl,
                                     .traffic_class = port.traffic_class,
                                     .link = port.link});
}

void Stack::receive_udp(Link& link, Own<Packet> packet, std::span<const u8> ip_header) {
    const u8* header = packet->data();
    const usize length = packet->size() >= kHeader ? load16(header + 4) : 0;
    if (length < kHeader || length > packet->size()) {
        counters.udp_errors++;
        return;
    }
    packet->trim(length);
    const bool no_checksum = load16(header + 6) == 0 && packet->to.is_v4();
    if (!packet->trusted && !no_checksum &&
        checksum(checksum_add(pseudo_sum(packet->from, packet->to, kUdp, length), packet->bytes())) != 0) {
        counters.udp_errors++;
        return;
    }
    const Endpoint local{packet->to, load16(header + 2)}, remote{packet->from, load16(header)};
    packet->source_port = remote.port;
    const bool to_many = is_broadcast(packet->to) || packet->to.is_multicast();
    Bound* found = ports.find_flow(kUdp, local, remote);
    if (!found) found = ports.find_unconnected(kUdp, local, link.index, secret_hash(local, remote));
    if (!found) {
        counters.udp_no_port++;
        if (!to_many) send_unreachable(*packet, ip_header);
        return;
    }
    counters.udp_received++;
    packet->strip(kHeader);
    auto& port = static_cast<UdpPort&>(*found);
    const u64 before = port.dropped;
    port.deliver(std::move(packet));
    counters.udp_overflows += port.dropped - before;
}

}  // namespace astra::inet
