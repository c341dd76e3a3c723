// ICMP (RFC 792) and ICMPv6 (RFC 4443): echo, errors.
#include <algorithm>

#include "guest_kernel/net/stack/stack.hpp"

namespace astra::inet {

namespace {

constexpr usize kHeader = 8;

/// What an error message means to the one whose packet it is about. The rows are what Linux's
/// icmp_err_convert says.
struct Meaning {
    u8 type, code;
    Errno error;
};
constexpr u8 kUnreachable = 3, kTimeExceeded = 11, kEchoRequest = 8, kEchoReply = 0, kFragmentationNeeded = 4;
constexpr Meaning kMeanings[] = {
    {kUnreachable, 0, Errno::kENETUNREACH},   {kUnreachable, 1, Errno::kEHOSTUNREACH},
    {kUnreachable, 2, Errno::kENOPROTOOPT},   {kUnreachable, 3, Errno::kECONNREFUSED},
    {kUnreachable, 4, Errno::kEMSGSIZE},      {kUnreachable, 5, Errno::kENOTSUP},
    {kUnreachable, 6, Errno::kENETUNREACH},   {kUnreachable, 7, Errno::kEHOSTDOWN},
    {kUnreachable, 9, Errno::kENETUNREACH},   {kUnreachable, 10, Errno::kEHOSTUNREACH},
    {kUnreachable, 13, Errno::kEHOSTUNREACH}, {kTimeExceeded, 0, Errno::kEHOSTUNREACH},
};
constexpr u8 kUnreachableV6 = 1, kTooBigV6 = 2, kTimeExceededV6 = 3, kEchoRequestV6 = 128, kEchoReplyV6 = 129;
constexpr Meaning kMeaningsV6[] = {
    {kUnreachableV6, 0, Errno::kENETUNREACH},  {kUnreachableV6, 1, Errno::kEACCES},
    {kUnreachableV6, 3, Errno::kEHOSTUNREACH}, {kUnreachableV6, 4, Errno::kECONNREFUSED},
    {kTooBigV6, 0, Errno::kEMSGSIZE},          {kTimeExceededV6, 0, Errno::kEHOSTUNREACH},
};

const Meaning* find(std::span<const Meaning> table, u8 type, u8 code) {
    for (const Meaning& row : table)
        if (row.type == type && row.code == code) return &row;
    return nullptr;
}

}  // namespace

Result<void> Stack::send_icmp(Own<Packet> message, Flow flow) {
    store16(message->data() + 2, 0);
    u64 sum = flow.to.is_v4() ? 0 : pseudo_sum(flow.from, flow.to, kIcmpV6, message->size());
    store16(message->data() + 2, checksum(checksum_add(sum, message->bytes())));
    flow.protocol = flow.to.is_v4() ? kIcmp : kIcmpV6;
    counters.icmp_sent++;
    return send(std::move(message), flow);
}

void Stack::receive_icmp(Link& link, Own<Packet> packet) {
    counters.icmp_received++;
    if (packet->size() < kHeader) return;
    if (!packet->trusted && checksum(checksum_add(0, packet->bytes())) != 0) return;
    const u8* at = packet->data();
    const u8 type = at[0], code = at[1];
    if (type == kEchoRequest) return answer_echo(*packet, kEchoReply);
    if (type == kEchoReply) {
        Bound* port = ports.find_unconnected(kIcmp, {packet->to, load16(at + 4)}, link.index, 0);
        if (!port)
            port = ports.find_flow(kIcmp, {packet->to, load16(at + 4)}, {packet->from, load16(at + 4)});
        if (port) static_cast<UdpPort*>(port)->deliver(std::move(packet));
        return;
    }
    if (const Meaning* meaning = find(kMeanings, type, code))
        icmp_error(packet->bytes().subspan(kHeader), false, meaning->error,
                   type == kUnreachable && code == kFragmentationNeeded ? load16(at + 6) : 0);
}

void Stack::receive_icmp_v6(Link& link, Own<Packet> packet) {
    counters.icmp_received++;
    if (packet->size() < kHeader) return;
    const u64 sum = pseudo_sum(packet->from, packet->to, kIcmpV6, packet->size());
    if (!packet->trusted && checksum(checksum_add(sum, packet->bytes())) != 0) return;
    const u8* at = packet->data();
    const u8 type = at[0], code = at[1];
    if (type == kEchoRequestV6) return answer_echo(*packet, kEchoReplyV6);
    if (type == 135 || type == 136) return neighbours.receive_discovery(link, *packet);
    if (type == kEchoReplyV6) {
        Bound* port = ports.find_unconnected(kIcmpV6, {packet->to, load16(at + 4)}, link.index, 0);
        if (port) static_cast<UdpPort*>(port)->deliver(std::move(packet));
        return;
    }
    if (const Meaning* meaning = find(kMeaningsV6, type, code))
        icmp_error(packet->bytes().subspan(kHeader), true, meaning->error,
                   type == kTooBigV6 ? load32(at + 4) : 0);
}

void Stack::answer_echo(Packet& request, u8 reply_type) {
    if (is_broadcast(request.to) || request.to.is_multicast()) return;
    auto reply = Packet::make(request.size());
    if (!reply) return;
    __builtin_memcpy((*reply)->data(), request.data(), request.size());
    (*reply)->data()[0] = reply_type;
    (void)send_icmp(std::move(*reply), {.from = request.to, .to = request.from});  // lost like any datagram
}

/// `inner` begins with the IP header of the packet the error is about, which this machine sent.
void Stack::icmp_error(std::span<const u8> inner, bool v6, Errno error, u32 mtu) {
    const usize header = v6 ? 40 : inner.empty() ? 0 : usize{inner[0] & 0xfu} * 4;
    if (header < 20 || inner.size() < header + 8) return;
    const IpAddress from = v6 ? IpAddress::v6(&inner[8]) : IpAddress::v4(load32(&inner[12]));
    const IpAddress to = v6 ? IpAddress::v6(&inner[24]) : IpAddress::v4(load32(&inner[16]));
    const u8 protocol = v6 ? inner[6] : inner[9];
    std::span<const u8> transport = inner.subspan(header);
    const Endpoint local{from, load16(&transport[0])}, remote{to, load16(&transport[2])};
    // Somebody who only guesses addresses and ports does not get through (RFC 5927, 4.1).
    if (protocol == kTcp && !is_outstanding(local, remote, load32(&transport[4]))) return;
    report_unreachable(protocol, local, remote, error, mtu);
}

void Stack::report_unreachable(u8 protocol, const Endpoint& local, const Endpoint& remote, Errno error,
                               u32 mtu) {
    Bound* found = ports.find_flow(protocol, local, remote);
    if (!found && protocol == kUdp) found = ports.find_unconnected(protocol, local, 0, 0);
    if (!found) return;
    found->ref();
    found->on_unreachable(error, mtu);
    found->unref();
}

/// Port unreachable, for a UDP datagram whose header `packet` still has.
void Stack::send_unreachable(const Packet& packet, std::span<const u8> header) {
    const bool v4 = packet.to.is_v4();
    // As much of the packet as RFC 1812, 4.3.2.3, and RFC 4443, 2.4 (c), let through.
    const usize quoted =
        std::min<usize>(packet.size(), (v4 ? 576 - 20 : 1280 - 40) - kHeader - header.size());
    auto message = Packet::make(kHeader + header.size() + quoted);
    if (!message) return;
    u8* at = (*message)->data();
    at[0] = v4 ? kUnreachable : kUnreachableV6;
    at[1] = v4 ? 3 : 4;
    store32(at + 4, 0);
    __builtin_memcpy(at + kHeader, header.data(), header.size());
    __builtin_memcpy(at + kHeader + header.size(), packet.data(), quoted);
    (void)send_icmp(std::move(*message), {.from = packet.to, .to = packet.from});  // lost like any datagram
}

}  // namespace astra::inet
