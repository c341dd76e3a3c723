// Link-layer addresses of neighbours: ARP (RFC 826) for IPv4, neighbour discovery (RFC 4861) for IPv6.
#pragma once
#include "guest_kernel/net/stack/link.hpp"
#include "guest_kernel/sched/timer_queue.hpp"

namespace astra::inet {

class Stack;

class Neighbours {
  public:
    static constexpr usize kEntries = 64;
    enum class State : u8 { Unused, Incomplete, Reachable, Failed };
    struct Entry {
        State state = State::Unused;
        IpAddress address;
        MacAddress mac;
        Link* link = nullptr;
        u32 tries = 0;
        u64 changed_ns = 0;
        PacketList waiting;  // for the address
        u32 waiting_count = 0;
    };

    explicit Neighbours(Stack& stack);
    ~Neighbours();
    /// Sends the packet to `next_hop`, finding its address out first when it is not known.
    void send(Link& link, const IpAddress& next_hop, Own<Packet> packet);
    /// An ARP message, after the Ethernet header.
    void receive_arp(Link& link, const Packet& packet);
    /// A neighbour solicitation or advertisement (ICMPv6 message; hop limit and checksum were looked at).
    void receive_discovery(Link& link, const Packet& packet);
    [[nodiscard]] std::span<const Entry> all() const { return entries_; }

  private:
    struct Timer : sched::TimerEvent {
        Neighbours* owner;
    };
    void solicit(Entry& entry, bool unicast);
    void send_arp(Link& link, u16 operation, const MacAddress& to, const MacAddress& target, u32 target_ip);
    void learn(Link& link, const IpAddress& address, const MacAddress& mac, bool add);
    void give_up(Entry& entry);
    void tick();
    Entry* find(const Link& link, const IpAddress& address);
    Entry& make(Link& link, const IpAddress& address);
    static void transmit(Link& link, Own<Packet> packet, const MacAddress& to, u16 type);
    Stack& stack_;
    Entry entries_[kEntries];
    Timer timer_;
};

}  // namespace astra::inet
