// TCP sockets (tcp(7)).
#pragma once
#include "guest_kernel/net/inet/inet_socket.hpp"

namespace astra::net {

class TcpSocket final : public InetSocket {
  public:
    static Result<Ref<TcpSocket>> create(Family family);
    TcpSocket(Family family, Ref<inet::tcp::Connection> connection);
    ~TcpSocket() override;
    [[nodiscard]] SocketType type() const override { return kStream; }
    Result<usize> send(Outgoing& message) override;
    Result<usize> receive(Incoming& message) override;
    Result<void> connect(const Address& address) override;
    Result<void> listen(u32 backlog) override;
    Result<Ref<Socket>> accept() override;
    Result<void> shutdown(u32 what) override;
    Result<Address> peer_name() override;

  protected:
    [[nodiscard]] bool listening() const override;
    int take_error() override;
    [[nodiscard]] int protocol() const override { return inet::kTcp; }
    [[nodiscard]] inet::Bound& bound() override;
    [[nodiscard]] u32 events() override;
    void apply() override;
    [[nodiscard]] Result<usize> readable_bytes() override;
    [[nodiscard]] usize unsent_bytes() override;
    [[nodiscard]] bool at_mark() const override;
    Result<void> set_protocol_option(int option, std::span<const u8> value) override;
    Result<usize> get_protocol_option(int option, std::span<u8> value) override;

  private:
    using Connection = inet::tcp::Connection;
    using State = inet::tcp::State;
    Result<void> disconnect();
    void wait_for_end();
    Result<void> finish_connecting();
    Result<usize> append(Own<inet::Packet> bytes, const Outgoing& message, const Patience& patience);
    std::span<const u8> next_bytes(usize skip, bool begun, bool peek);
    Result<usize> copy_received(Incoming& message, usize before);
    Result<usize> receive_urgent(Incoming& message);
    /// Bytes at the front of what was received that are no part of the stream: the urgent one at the mark.
    [[nodiscard]] usize urgent_hole() const { return at_mark() && !settings_.urgent_inline; }
    /// The connection, with the stack locked; a reference to it, without.
    [[nodiscard]] Ref<Connection> connection();
    /// Has it been connected, be that over or not?
    [[nodiscard]] bool was_connected() const { return connection_->remote.port != 0 || was_connected_; }

    // Guarded by the stack's lock.
    Ref<Connection> connection_;
    Ref<inet::tcp::Listener> listener_;  // null: does not listen
    inet::tcp::Settings settings_;
    bool was_connected_ = false, receive_shut_ = false, send_shut_ = false;
    std::atomic<bool> connecting_{false};  // a connect has not been answered for yet
};

}  // namespace astra::net
