// Reassembly of IPv4 fragments (RFC 791, 3.2; RFC 815's idea of holes, kept as received ranges).
#pragma once
#include "guest_kernel/net/stack/packet.hpp"
#include "guest_kernel/sched/timer_queue.hpp"

namespace astra::inet {

class Stack;

class Fragments {
  public:
    static constexpr usize kDatagrams = 16;
    static constexpr u64 kPatienceNs = 30'000'000'000;  // net.ipv4.ipfrag_time

    explicit Fragments(Stack& stack);
    ~Fragments();
    /// A fragment, IP header included. Answers the whole datagram, header first, once it is complete; null:
    /// not yet, or never (overlaps and lengths that cannot be are dropped, RFC 5722).
    Own<Packet> add(Own<Packet> fragment, usize header_length);

  private:
    struct Datagram {
        IpAddress from, to;
        u16 identification = 0;
        u8 protocol = 0;
        u64 deadline_ns = 0;  // 0: unused
        usize total = 0;      // payload bytes, once the last fragment is here
        usize received = 0;
        PacketList parts;  // by offset, which `sequence` holds; headers stripped
        Own<Packet> header;
    };
    struct Timer : sched::TimerEvent {
        Fragments* owner;
    };
    Datagram& find(const Packet& fragment, const u8* header);
    void forget(Datagram& datagram);
    static Own<Packet> assemble(Datagram& datagram);
    void tick();
    Stack& stack_;
    Datagram datagrams_[kDatagrams];
    Timer timer_;
};

}  // namespace astra::inet
