// UDP sockets (udp(7)) and ICMP echo sockets (icmp(7)).
#pragma once
#include "guest_kernel/net/inet/inet_socket.hpp"

namespace astra::net {

class UdpSocket final : public InetSocket {
  public:
    /// `protocol`: UDP, or ICMP of the family. Errors: ENOMEM.
    static Result<Ref<UdpSocket>> create(Family family, u8 protocol);
    UdpSocket(Family family, Ref<inet::UdpPort> port)
        : InetSocket(family, kDefaultBuffer, kDefaultBuffer), port_(std::move(port)) {}
    ~UdpSocket() override;
    [[nodiscard]] SocketType type() const override { return kDatagram; }
    Result<usize> send(Outgoing& message) override;
    Result<usize> receive(Incoming& message) override;
    Result<void> connect(const Address& address) override;
    Result<void> shutdown(u32 what) override;
    Result<Address> peer_name() override;

  protected:
    int take_error() override;
    [[nodiscard]] int protocol() const override { return port_->protocol; }
    [[nodiscard]] inet::Bound& bound() override { return *port_; }
    [[nodiscard]] u32 events() override;
    void apply() override;
    [[nodiscard]] Result<usize> readable_bytes() override {
        return port_->first() ? port_->first()->size() : 0;
    }
    [[nodiscard]] usize unsent_bytes() override { return 0; }

  private:
    Result<void> bind_somewhere(inet::Stack& stack);
    [[nodiscard]] bool is_echo() const { return port_->protocol != inet::kUdp; }
    const Ref<inet::UdpPort> port_;  // its contents are guarded by the stack's lock
    bool bound_by_connect_ = false;
    std::atomic<u32> ended_{0};
};

}  // namespace astra::net
