// UDP.
#include "guest_runtime/net/udp.hpp"

#include "guest_runtime/sys/constants.hpp"

namespace astra::net {

io::Result<UdpSocket> UdpSocket::bind(const SocketAddr& address) {
    auto socket = TRY(Socket::open(address, sys::kDatagram));
    TRY(socket.bind(address));
    return UdpSocket(std::move(socket));
}

io::Result<UdpSocket> UdpSocket::bind(std::string_view host_and_port) {
    return first_address(host_and_port, [](const SocketAddr& address) { return bind(address); });
}

io::Result<usize> UdpSocket::send_to(std::span<const u8> from, const SocketAddr& to) {
    SocketName name(to);
    return static_cast<usize>(TRY(os::check(
        sys::sendto(socket_.raw(), from.data(), from.size(), sys::kMsgNoSignal, name.bytes, name.length))));
}

io::Result<UdpSocket::Received> UdpSocket::recv_from(std::span<u8> to) {
    SocketName name;
    i64 size =
        TRY(os::check(sys::recvfrom(socket_.raw(), to.data(), to.size(), 0, name.bytes, &name.length)));
    auto from = TRY(name.decode());
    return Received{static_cast<usize>(size), from};
}

io::Result<void> UdpSocket::set_read_timeout(std::optional<time::Duration> timeout) {
    return socket_.set_timeout(sys::kReceiveTimeout, timeout);
}
io::Result<void> UdpSocket::set_write_timeout(std::optional<time::Duration> timeout) {
    return socket_.set_timeout(sys::kSendTimeout, timeout);
}
io::Result<void> UdpSocket::set_broadcast(bool on) {
    return socket_.set_option(sys::kSolSocket, sys::kBroadcast, on);
}
io::Result<void> UdpSocket::set_ttl(u32 ttl) {
    return socket_.set_option(sys::kProtoIp, sys::kIpTtl, static_cast<int>(ttl));
}

}  // namespace astra::net
