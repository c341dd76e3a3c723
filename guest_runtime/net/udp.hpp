// UDP.
#pragma once
#include "guest_runtime/net/resolve.hpp"
#include "guest_runtime/net/socket.hpp"

namespace astra::net {

/// A socket for datagrams.
///     auto socket = TRY(net::UdpSocket::bind("0.0.0.0:0"));
///     TRY(socket.send_to(io::as_bytes("hi"), TRY(net::parse_socket_addr("10.0.2.3:53"))));
class UdpSocket {
  public:
    static io::Result<UdpSocket> bind(const SocketAddr& address);
    static io::Result<UdpSocket> bind(std::string_view host_and_port);

    /// Sends one datagram; answers its size.
    io::Result<usize> send_to(std::span<const u8> from, const SocketAddr& to);
    struct Received {
        usize size;
        SocketAddr from;
    };
    /// Receives one; what does not fit in `to` is lost.
    io::Result<Received> recv_from(std::span<u8> to);
    /// From now on talks to `peer` only, by send and recv; errors it reports (ConnectionRefused) are
    /// answered.
    io::Result<void> connect(const SocketAddr& peer) { return socket_.connect(peer, {}); }
    io::Result<usize> send(std::span<const u8> from) { return socket_.send(from); }
    io::Result<usize> recv(std::span<u8> to) { return socket_.receive(to); }

    [[nodiscard]] io::Result<SocketAddr> local_addr() const { return socket_.local_addr(); }
    [[nodiscard]] io::Result<SocketAddr> peer_addr() const { return socket_.peer_addr(); }
    /// How long recv may wait; then it answers WouldBlock.
    io::Result<void> set_read_timeout(std::optional<time::Duration> timeout);
    io::Result<void> set_write_timeout(std::optional<time::Duration> timeout);
    io::Result<void> set_nonblocking(bool on) { return socket_.set_nonblocking(on); }
    io::Result<void> set_broadcast(bool on);
    io::Result<void> set_ttl(u32 ttl);

  private:
    explicit UdpSocket(Socket socket) : socket_(std::move(socket)) {}
    Socket socket_;
};

}  // namespace astra::net
