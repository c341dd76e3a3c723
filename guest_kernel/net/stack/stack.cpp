// The engine's frame: links, addresses, timers, and the way of packets between them.
#include "guest_kernel/net/stack/stack.hpp"

#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::inet {

namespace {
constexpr usize kEthernetHeader = 14;
constexpr u16 kTypeV4 = 0x0800, kTypeArp = 0x0806, kTypeV6 = 0x86dd;
}  // namespace

Stack::~Stack() {
    drop(arriving_);
    for (u8 protocol : {u8{kTcp}, u8{kUdp}, u8{kIcmp}, u8{kIcmpV6}}) {
        for (;;) {
            Bound* any = nullptr;
            ports.each(protocol, [&any](Bound& item) { any = &item; });
            if (!any) break;
            if (protocol == kTcp)
                tcp::abandon(*any);
            else
                ports.remove(*any);
        }
    }
}

u64 Stack::settle() {
    for (;;) {
        if (Packet* packet = arriving_.pop_front()) {
            Link& link = *links_[packet->link - 1];
            receive(link, Own<Packet>(packet));
            continue;
        }
        sched::TimerEvent* event = timers_.first();
        if (!event) return kNever;
        if (event->deadline_ns > now_) return event->deadline_ns;
        timers_.remove(*event);
        event->fire(*event);
    }
}

void Stack::arm(sched::TimerEvent& event, u64 deadline_ns) {
    if (event.armed) {
        if (event.deadline_ns == deadline_ns) return;
        timers_.remove(event);
    }
    event.deadline_ns = deadline_ns;
    timers_.insert(event);
}

void Stack::disarm(sched::TimerEvent& event) {
    if (event.armed) timers_.remove(event);
}

Result<void> Stack::add_link(Link& link) {
    TRY(links_.push_back(&link));
    link.index = static_cast<u32>(links_.size());
    return {};
}

Link* Stack::link_at(u32 index) const {
    return index >= 1 && index <= links_.size() ? links_[index - 1] : nullptr;
}

Result<void> Stack::add_address(Link& link, const IpAddress& address, u32 prefix) {
    if (link.has(address)) return fail(Errno::kEEXIST);
    TRY(link.addresses.push_back({address, prefix}));
    return routes.add({address, prefix, {}, &link});
}

bool Stack::is_local(const IpAddress& address) const {
    if (address.is_v4() && address.is_loopback()) return true;
    for (Link* link : links_)
        if (link->has(address)) return true;
    return false;
}

bool Stack::is_broadcast(const IpAddress& address) const {
    if (!address.is_v4()) return false;
    if (address.is_broadcast()) return true;
    for (Link* link : links_)
        for (const LinkAddress& own : link->addresses)
            if (!link->loopback && own.address.is_v4() && own.prefix < 31 &&
                address.v4() == (own.address.v4() | (~u32{0} >> own.prefix)))
                return true;
    return false;
}

bool Stack::can_bind(const IpAddress& address) const {
    return address.is_unspecified() || address.is_multicast() || is_local(address);
}

Result<Path> Stack::path_to(const IpAddress& to, u32 link) const {
    if (is_local(to)) {
        for (Link* each : links_)
            if (each->loopback) return Path{each, to, to};
    }
    if (to.is_broadcast() || to.is_multicast()) {
        for (Link* each : links_)
            if (!each->loopback && (!link || each->index == link))
                return Path{each, to, each->source_for(to)};
        if (to.is_broadcast()) return fail(Errno::kENETUNREACH);
    }
    const Route* route = routes.find(to, link);
    if (!route) return fail(Errno::kENETUNREACH);
    const IpAddress next_hop = route->gateway == IpAddress{} ? to : route->gateway;
    IpAddress source = route->link->source_for(to);
    if (source == IpAddress{}) return fail(Errno::kENETUNREACH);
    return Path{route->link, next_hop, source};
}

void Stack::receive(Link& link, Own<Packet> frame) {
    link.received.packets++;
    link.received.bytes += frame->size();
    frame->link = link.index;
    frame->time_ns = now_;
    u16 type;
    if (link.loopback) {
        type = frame->size() > 0 && frame->data()[0] >> 4 == 6 ? kTypeV6 : kTypeV4;
    } else {
        if (frame->size() < kEthernetHeader) {
            link.received.errors++;
            return;
        }
        type = load16(frame->data() + 12);
        frame->strip(kEthernetHeader);
    }
    switch (type) {
        case kTypeV4: return receive_v4(link, std::move(frame));
        case kTypeV6: return receive_v6(link, std::move(frame));
        case kTypeArp: return neighbours.receive_arp(link, *frame);
        default: link.received.dropped++;
    }
}

Result<void> Stack::send(Own<Packet> packet, const Flow& flow) {
    auto path = path_to(flow.to, flow.link);
    if (!path) {
        counters.ip_no_route++;
        return fail(path.error());
    }
    Link& link = *path->link;
    const bool finish = packet->partial_checksum && !link.loopback && !link.checksum_offload;
    if (finish) {
        u8* field = packet->data() + packet->checksum_offset;
        const u16 sum = checksum(checksum_add(0, packet->bytes()));
        store16(field, sum == 0 && flow.protocol == kUdp ? 0xffff : sum);
        packet->partial_checksum = false;
    }
    counters.ip_sent++;
    return flow.to.is_v4() ? send_v4(link, path->next_hop, std::move(packet), flow)
                           : send_v6(link, path->next_hop, std::move(packet), flow);
}

void Stack::output(Link& link, const IpAddress& next_hop, Own<Packet> packet) {
    if (link.loopback) {
        packet->link = link.index;
        packet->trusted = true;
        packet->partial_checksum = false;
        link.sent.packets++;
        link.sent.bytes += packet->size();
        arriving_.push_back(*packet.leak());
        return;
    }
    neighbours.send(link, next_hop, std::move(packet));
}

void Stack::deliver(Link& link, Own<Packet> packet, u8 protocol, std::span<const u8> header) {
    counters.ip_delivered++;
    switch (protocol) {
        case kTcp: return receive_tcp(link, std::move(packet));
        case kUdp: return receive_udp(link, std::move(packet), header);
        case kIcmp:
            if (packet->to.is_v4()) receive_icmp(link, std::move(packet));
            return;
        case kIcmpV6:
            if (!packet->to.is_v4()) receive_icmp_v6(link, std::move(packet));
            return;
        default: link.received.dropped++;
    }
}

u64 Stack::pseudo_sum(const IpAddress& from, const IpAddress& to, u8 protocol, usize length) {
    const usize skip = to.is_v4() ? 12 : 0;
    u64 sum = checksum_add(0, std::span<const u8>(from.bytes).subspan(skip));
    sum = checksum_add(sum, std::span<const u8>(to.bytes).subspan(skip));
    return sum + protocol + (length >> 16) + (length & 0xffff);
}

u32 Stack::random32() {
    u32 value;
    random_({reinterpret_cast<u8*>(&value), sizeof value});
    return value;
}

u32 Stack::secret_hash(const Endpoint& local, const Endpoint& remote, u64 more) {
    if (!secret_[0]) random_({reinterpret_cast<u8*>(secret_), sizeof secret_});
    u64 state = secret_[0];
    auto mix = [&state, this](u64 word) {
        state = (state ^ word) * 0x9e37'79b9'7f4a'7c15 + secret_[1];
        state ^= state >> 29;
    };
    for (const Endpoint* end : {&local, &remote}) {
        u64 words[2];
        __builtin_memcpy(words, end->address.bytes, sizeof words);
        mix(words[0]), mix(words[1]), mix(end->port);
    }
    mix(more), mix(secret_[0]);
    return static_cast<u32>(state >> 32);
}

}  // namespace astra::inet
