// Datagram endpoints: UDP (RFC 768), and ICMP echo sockets, which differ in what a port is.
#pragma once
#include "guest_kernel/net/stack/bound.hpp"

namespace astra::inet {

class UdpPort final : public Bound {
  public:
    explicit UdpPort(u8 protocol = kUdp) : Bound(protocol) {}
    ~UdpPort() override { drop(queue_); }

    /// Received datagrams, oldest first.
    [[nodiscard]] Packet* first() const { return queue_.front(); }
    Own<Packet> take();
    [[nodiscard]] int take_error();
    [[nodiscard]] int error() const { return error_; }
    [[nodiscard]] usize queued_bytes() const { return queued_; }
    usize limit = 212992;        // SO_RCVBUF: memory that waiting datagrams may take
    bool broadcast = false;      // SO_BROADCAST
    bool report_errors = false;  // IP_RECVERR: ICMP errors also when not connected
    u64 dropped = 0;

    void deliver(Own<Packet> packet);
    void on_unreachable(Errno error, u32 mtu) override;

  private:
    PacketList queue_;
    usize queued_ = 0;
    int error_ = 0;
};

}  // namespace astra::inet
