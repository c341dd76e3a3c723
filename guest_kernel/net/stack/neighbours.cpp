// ARP and neighbour discovery: one table for both.
#include "guest_kernel/net/stack/neighbours.hpp"

#include "guest_kernel/net/stack/stack.hpp"

namespace astra::inet {

namespace {

constexpr usize kEthernetHeader = 14;
constexpr u16 kTypeV4 = 0x0800, kTypeArp = 0x0806, kTypeV6 = 0x86dd;
constexpr usize kArpBytes = 28;
constexpr u16 kRequest = 1, kReply = 2;
constexpr u64 kSecond = 1'000'000'000;
constexpr u32 kMaxTries = 3, kMaxWaiting = 64;
constexpr u64 kFresh = 30 * kSecond,
              kStale = 60 * kSecond;  // after kFresh it is asked again, after kStale forgotten
constexpr u64 kFailureMemory = kSecond;
constexpr u8 kSolicitation = 135, kAdvertisement = 136;

MacAddress mac_from(const u8* at) {
    MacAddress mac;
    __builtin_memcpy(mac.bytes, at, sizeof mac.bytes);
    return mac;
}

/// RFC 1112, 6.4 and RFC 2464, 7.
MacAddress multicast_mac(const IpAddress& to) {
    const u8* b = to.bytes;
    if (to.is_v4()) return {{0x01, 0x00, 0x5e, static_cast<u8>(b[13] & 0x7f), b[14], b[15]}};
    return {{0x33, 0x33, b[12], b[13], b[14], b[15]}};
}

}  // namespace

Neighbours::Neighbours(Stack& stack) : stack_(stack) {
    timer_.owner = this;
    timer_.fire = [](sched::TimerEvent& event) { static_cast<Timer&>(event).owner->tick(); };
}

Neighbours::~Neighbours() {
    for (Entry& entry : entries_) drop(entry.waiting);
}

void Neighbours::transmit(Link& link, Own<Packet> packet, const MacAddress& to, u16 type) {
    u8* header = packet->prepend(kEthernetHeader);
    __builtin_memcpy(header, to.bytes, 6);
    __builtin_memcpy(header + 6, link.mac.bytes, 6);
    store16(header + 12, type);
    packet->checksum_start = static_cast<u16>(packet->checksum_start + kEthernetHeader);
    link.transmit(std::move(packet));
}

Neighbours::Entry* Neighbours::find(const Link& link, const IpAddress& address) {
    for (Entry& entry : entries_)
        if (entry.state != State::Unused && entry.link == &link && entry.address == address) return &entry;
    return nullptr;
}

/// A new entry, in place of the one that changed longest ago.
Neighbours::Entry& Neighbours::make(Link& link, const IpAddress& address) {
    Entry* oldest = &entries_[0];
    for (Entry& entry : entries_) {
        if (entry.state == State::Unused) {
            oldest = &entry;
            break;
        }
        if (entry.changed_ns < oldest->changed_ns) oldest = &entry;
    }
    drop(oldest->waiting);
    oldest->waiting_count = oldest->tries = 0;
    oldest->state = State::Incomplete;
    oldest->address = address;
    oldest->link = &link;
    oldest->changed_ns = stack_.now();
    return *oldest;
}

void Neighbours::send(Link& link, const IpAddress& next_hop, Own<Packet> packet) {
    const u16 type = next_hop.is_v4() ? kTypeV4 : kTypeV6;
    if (stack_.is_broadcast(next_hop))
        return transmit(link, std::move(packet), MacAddress::broadcast(), type);
    if (next_hop.is_multicast()) return transmit(link, std::move(packet), multicast_mac(next_hop), type);
    Entry* entry = find(link, next_hop);
    const u64 age = entry ? stack_.now() - entry->changed_ns : 0;
    if (entry && entry->state == State::Reachable && age < kStale) {
        if (age > kFresh && entry->tries == 0) solicit(*entry, true);
        return transmit(link, std::move(packet), entry->mac, type);
    }
    const bool fresh = !entry || entry->state != State::Incomplete;
    if (!entry) entry = &make(link, next_hop);
    if (entry->waiting_count == kMaxWaiting) {
        delete entry->waiting.pop_front();
        entry->waiting_count--;
        link.sent.dropped++;
    }
    entry->waiting.push_back(*packet.leak());
    entry->waiting_count++;
    if (!fresh) return;
    entry->state = State::Incomplete;
    entry->tries = 0;
    solicit(*entry, false);
}

/// Asks who has the address, and arms the timer that asks again.
void Neighbours::solicit(Entry& entry, bool unicast) {
    entry.tries++;
    if (entry.state == State::Incomplete) entry.changed_ns = stack_.now();
    if (!timer_.armed) stack_.arm(timer_, stack_.now() + kSecond);
    Link& link = *entry.link;
    if (entry.address.is_v4())
        return send_arp(link, kRequest, unicast ? entry.mac : MacAddress::broadcast(), {},
                        entry.address.v4());
    auto message = Packet::make(32);
    if (!message) return;
    u8* at = (*message)->data();
    at[0] = kSolicitation;
    at[1] = 0;
    store32(at + 4, 0);
    __builtin_memcpy(at + 8, entry.address.bytes, 16);
    at[24] = 1;  // source link-layer address option
    at[25] = 1;
    __builtin_memcpy(at + 26, link.mac.bytes, 6);
    // The solicited-node address (RFC 4291, 2.7.1).
    IpAddress to;
    to.bytes[0] = 0xff, to.bytes[1] = 0x02, to.bytes[11] = 1, to.bytes[12] = 0xff;
    for (int i = 13; i < 16; i++) to.bytes[i] = entry.address.bytes[i];
    (void)stack_.send_icmp(
        std::move(*message),  // asked again when it is lost
        {.from = link.source_for(entry.address), .to = to, .ttl = 255, .link = link.index});
}

void Neighbours::send_arp(Link& link, u16 operation, const MacAddress& to, const MacAddress& target,
                          u32 target_ip) {
    auto message = Packet::make(kArpBytes);
    if (!message) return;
    u8* at = (*message)->data();
    store16(at, 1);  // Ethernet
    store16(at + 2, kTypeV4);
    at[4] = 6, at[5] = 4;
    store16(at + 6, operation);
    const IpAddress own = link.source_for(IpAddress::v4(target_ip));
    __builtin_memcpy(at + 8, link.mac.bytes, 6);
    store32(at + 14, own.is_v4() ? own.v4() : 0);
    __builtin_memcpy(at + 18, target.bytes, 6);
    store32(at + 24, target_ip);
    transmit(link, std::move(*message), to, kTypeArp);
}

void Neighbours::receive_arp(Link& link, const Packet& packet) {
    const u8* at = packet.data();
    if (packet.size() < kArpBytes || load16(at) != 1 || load16(at + 2) != kTypeV4 || at[4] != 6 || at[5] != 4)
        return;
    const u16 operation = load16(at + 6);
    const MacAddress sender = mac_from(at + 8);
    const IpAddress sender_ip = IpAddress::v4(load32(at + 14)), target_ip = IpAddress::v4(load32(at + 24));
    const bool for_us = link.has(target_ip);
    if (!sender_ip.is_unspecified()) learn(link, sender_ip, sender, for_us);
    if (operation == kRequest && for_us) {
        auto message = Packet::make(kArpBytes);
        if (!message) return;
        u8* to = (*message)->data();
        __builtin_memcpy(to, at, 6);
        store16(to + 6, kReply);
        __builtin_memcpy(to + 8, link.mac.bytes, 6);
        store32(to + 14, target_ip.v4());
        __builtin_memcpy(to + 18, at + 8, 10);
        transmit(link, std::move(*message), sender, kTypeArp);
    }
}

void Neighbours::receive_discovery(Link& link, const Packet& packet) {
    const u8* at = packet.data();
    if (packet.ttl != 255 || packet.size() < 24) return;
    const IpAddress target = IpAddress::v6(at + 8);
    std::span<const u8> options = packet.bytes().subspan(24);
    const u8 wanted = at[0] == kSolicitation ? 1 : 2;
    const u8* mac = nullptr;
    while (options.size() >= 8 && options[1] > 0 && options[1] * 8u <= options.size()) {
        if (options[0] == wanted && options[1] == 1) mac = &options[2];
        options = options.subspan(options[1] * 8u);
    }
    if (at[0] == kAdvertisement) {
        if (mac) learn(link, target, mac_from(mac), false);
        return;
    }
    if (!link.has(target)) return;
    if (mac && !packet.from.is_unspecified()) learn(link, packet.from, mac_from(mac), true);
    auto message = Packet::make(32);
    if (!message) return;
    u8* to = (*message)->data();
    to[0] = kAdvertisement;
    to[1] = 0;
    store32(to + 4, packet.from.is_unspecified() ? 0x2000'0000u : 0x6000'0000u);  // solicited, override
    __builtin_memcpy(to + 8, target.bytes, 16);
    to[24] = 2, to[25] = 1;
    __builtin_memcpy(to + 26, link.mac.bytes, 6);
    IpAddress all_nodes;
    all_nodes.bytes[0] = 0xff, all_nodes.bytes[1] = 0x02, all_nodes.bytes[15] = 1;
    (void)stack_.send_icmp(std::move(*message), {.from = target,  // asked again when it is lost
                                                 .to = packet.from.is_unspecified() ? all_nodes : packet.from,
                                                 .ttl = 255,
                                                 .link = link.index});
}

void Neighbours::learn(Link& link, const IpAddress& address, const MacAddress& mac, bool add) {
    Entry* entry = find(link, address);
    if (!entry && !add) return;
    if (!entry) entry = &make(link, address);
    entry->state = State::Reachable;
    entry->mac = mac;
    entry->tries = 0;
    entry->changed_ns = stack_.now();
    while (Packet* packet = entry->waiting.pop_front())
        transmit(link, Own<Packet>(packet), mac, address.is_v4() ? kTypeV4 : kTypeV6);
    entry->waiting_count = 0;
}

/// Nobody answered: those who wait are told that the host cannot be reached.
void Neighbours::give_up(Entry& entry) {
    entry.state = State::Failed;
    entry.changed_ns = stack_.now();
    PacketList lost;
    while (Packet* packet = entry.waiting.pop_front()) lost.push_back(*packet);
    entry.waiting_count = 0;
    while (Packet* packet = lost.pop_front()) {
        Own<Packet> owned(packet);
        const u8* at = packet->data();
        const bool v4 = at[0] >> 4 == 4;
        const usize header = v4 ? usize{at[0] & 0xfu} * 4 : 40;
        if (packet->size() < header + 4) continue;
        const IpAddress from = v4 ? IpAddress::v4(load32(at + 12)) : IpAddress::v6(at + 8);
        const IpAddress to = v4 ? IpAddress::v4(load32(at + 16)) : IpAddress::v6(at + 24);
        stack_.report_unreachable(v4 ? at[9] : at[6], {from, load16(at + header)},
                                  {to, load16(at + header + 2)}, Errno::kEHOSTUNREACH, 0);
    }
}

void Neighbours::tick() {
    bool again = false;
    for (Entry& entry : entries_) {
        const u64 age = stack_.now() - entry.changed_ns;
        if (entry.state == State::Incomplete) {
            if (entry.tries < kMaxTries)
                solicit(entry, false);
            else
                give_up(entry);
        } else if (entry.state == State::Failed && age >= kFailureMemory) {
            entry.state = State::Unused;
        } else if (entry.state == State::Reachable && entry.tries > 0) {
            if (entry.tries < kMaxTries)
                solicit(entry, true);
            else
                entry.state = State::Unused;
        }
        again |= entry.state == State::Incomplete || entry.state == State::Failed || entry.tries > 0;
    }
    if (again && !timer_.armed) stack_.arm(timer_, stack_.now() + kSecond);
}

}  // namespace astra::inet
