// The TCP/IP engine. It knows no kernel: time, random numbers, packets and output are handed to it, and it
// allocates through operator new alone. Not locked: one caller at a time.
//
// Whoever calls sets the time first (enter), and afterwards lets packets that were sent to this machine
// arrive (settle), which also answers when the next timer is due.
#pragma once
#include "guest_kernel/net/stack/bound.hpp"
#include "guest_kernel/net/stack/fragments.hpp"
#include "guest_kernel/net/stack/link.hpp"
#include "guest_kernel/net/stack/neighbours.hpp"
#include "guest_kernel/net/stack/route.hpp"
#include "guest_kernel/net/stack/udp.hpp"
#include "guest_kernel/sched/timer_queue.hpp"

namespace astra::inet {

namespace tcp {
class Connection;
class Listener;
}  // namespace tcp

/// What is in the IP header of a packet to be sent.
struct Flow {
    IpAddress from, to;
    u8 protocol = 0;
    u8 ttl = 64, traffic_class = 0;
    bool dont_fragment = false;
    u32 link = 0;  // the link it must leave by; 0: any
};

/// /proc/net/snmp's counters of what happened.
struct StackCounters {
    u64 ip_received = 0, ip_delivered = 0, ip_header_errors = 0, ip_sent = 0, ip_no_route = 0,
        ip_reassembled = 0;
    u64 icmp_received = 0, icmp_sent = 0;
    u64 udp_received = 0, udp_no_port = 0, udp_errors = 0, udp_sent = 0, udp_overflows = 0;
    u64 tcp_active_opens = 0, tcp_passive_opens = 0, tcp_failures = 0, tcp_resets = 0, tcp_received = 0,
        tcp_sent = 0, tcp_retransmitted = 0, tcp_errors = 0, tcp_resets_sent = 0;
};

class Stack {
  public:
    static constexpr u64 kNever = ~u64{0};
    /// `random` fills bytes unpredictably.
    explicit Stack(void (*random)(std::span<u8>)) : random_(random) {}
    ~Stack();

    /// Says what time it is, in nanoseconds.
    void enter(u64 now_ns) { now_ = now_ns; }
    [[nodiscard]] u64 now() const { return now_; }
    /// Lets packets to this machine arrive and timers that are due fire. Answers when to call again; kNever:
    /// no timer runs.
    u64 settle();

    /// Adds a link, which then receives. Errors: ENOMEM.
    Result<void> add_link(Link& link);
    /// Gives a link an address and the route to its network. Errors: ENOMEM, EEXIST.
    Result<void> add_address(Link& link, const IpAddress& address, u32 prefix);
    [[nodiscard]] std::span<Link* const> links() const { return {links_.data(), links_.size()}; }
    [[nodiscard]] Link* link_at(u32 index) const;
    Routes routes;
    Ports ports;
    Neighbours neighbours{*this};
    StackCounters counters;

    /// A frame arrived (with its Ethernet header, unless the link is the loopback).
    void receive(Link& link, Own<Packet> frame);
    /// Sends a transport packet. It has partial_checksum set, with the pseudo header's sum in the field, when
    /// it has a checksum. Errors: ENETUNREACH, EMSGSIZE, ENOMEM.
    Result<void> send(Own<Packet> packet, const Flow& flow);
    /// The way to an address, its source address chosen. Errors: ENETUNREACH, EADDRNOTAVAIL.
    Result<Path> path_to(const IpAddress& to, u32 link) const;
    /// Has some link this address, or is it a broadcast address of one?
    [[nodiscard]] bool is_local(const IpAddress& address) const;
    [[nodiscard]] bool is_broadcast(const IpAddress& address) const;
    /// May it be bound to? (Unspecified and multicast ones may.)
    [[nodiscard]] bool can_bind(const IpAddress& address) const;
    /// Bits the sum of a pseudo header has (RFC 9293, 3.1; RFC 8200, 8.1).
    static u64 pseudo_sum(const IpAddress& from, const IpAddress& to, u8 protocol, usize length);

    /// Sends a datagram from `port`: payload without header. Errors as send, EACCES (broadcast), EMSGSIZE.
    Result<void> send_udp(UdpPort& port, const IpAddress& from, const Endpoint& to, Own<Packet> payload);
    /// Sends an ICMP message: its bytes after the checksum field's place are set.
    Result<void> send_icmp(Own<Packet> message, Flow flow);

    // Timers.
    void arm(sched::TimerEvent& event, u64 deadline_ns);
    void disarm(sched::TimerEvent& event);

    [[nodiscard]] u32 random32();
    void random(std::span<u8> to) { random_(to); }
    /// A number that is the same for the same two addresses and the same `more`, and unpredictable (RFC 6528,
    /// RFC 7323's offsets, SYN cookies).
    [[nodiscard]] u32 secret_hash(const Endpoint& local, const Endpoint& remote, u64 more = 0);

    // Between the parts of the stack.
    /// Sends an IP packet to a neighbour (or to this machine).
    void output(Link& link, const IpAddress& next_hop, Own<Packet> packet);
    /// Tells whoever sends to `to` that packets do not arrive.
    void report_unreachable(u8 protocol, const Endpoint& local, const Endpoint& remote, Errno error, u32 mtu);

  private:
    friend class tcp::Connection;
    friend class tcp::Listener;
    void receive_v4(Link& link, Own<Packet> packet);
    void receive_v6(Link& link, Own<Packet> packet);
    void deliver(Link& link, Own<Packet> packet, u8 protocol, std::span<const u8> header);
    void receive_icmp(Link& link, Own<Packet> packet);
    void receive_icmp_v6(Link& link, Own<Packet> packet);
    void receive_udp(Link& link, Own<Packet> packet, std::span<const u8> header);
    void receive_tcp(Link& link, Own<Packet> packet);
    /// Is `sequence` of the connection between the two, and not acknowledged yet?
    [[nodiscard]] bool is_outstanding(const Endpoint& local, const Endpoint& remote, u32 sequence);
    void icmp_error(std::span<const u8> inner, bool v6, Errno error, u32 mtu);
    void send_unreachable(const Packet& packet, std::span<const u8> header);
    void answer_echo(Packet& request, u8 reply_type);
    Result<void> send_v4(Link& link, const IpAddress& next_hop, Own<Packet> packet, const Flow& flow);
    Result<void> send_v6(Link& link, const IpAddress& next_hop, Own<Packet> packet, const Flow& flow);
    Result<void> send_fragments(Link& link, const IpAddress& next_hop, Packet& packet, const Flow& flow);

    void (*random_)(std::span<u8>);
    u64 now_ = 0;
    Vector<Link*> links_;
    PacketList arriving_;  // sent to this machine
    sched::TimerQueue timers_;
    Fragments fragments_{*this};
    u16 identification_ = 0;
    u64 secret_[2] = {};
};

}  // namespace astra::inet
