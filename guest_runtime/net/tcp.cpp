// TCP: streams and listeners.
#include "guest_runtime/net/tcp.hpp"

#include "guest_runtime/sys/constants.hpp"

namespace astra::net {

namespace {

io::Result<TcpStream> connect_socket(const SocketAddr& address, std::optional<time::Duration> timeout) {
    auto socket = TRY(Socket::open(address, sys::kStream));
    TRY(socket.connect(address, timeout));
    return TcpStream(std::move(socket));
}

}  // namespace

io::Result<TcpStream> TcpStream::connect(const SocketAddr& address) { return connect_socket(address, {}); }

io::Result<TcpStream> TcpStream::connect_timeout(const SocketAddr& address, time::Duration timeout) {
    return connect_socket(address, timeout);
}

io::Result<TcpStream> TcpStream::connect(std::string_view host_and_port) {
    return first_address(host_and_port, [](const SocketAddr& address) { return connect(address); });
}

io::Result<usize> TcpStream::peek(std::span<u8> to) { return socket_.receive(to, sys::kMsgPeek); }

io::Result<void> TcpStream::shutdown(Shutdown how) {
    return os::check_done(
        sys::shutdown(socket_.raw(), static_cast<int>(how)));  // SHUT_RD, SHUT_WR, SHUT_RDWR
}

io::Result<void> TcpStream::set_read_timeout(std::optional<time::Duration> timeout) {
    return socket_.set_timeout(sys::kReceiveTimeout, timeout);
}
io::Result<void> TcpStream::set_write_timeout(std::optional<time::Duration> timeout) {
    return socket_.set_timeout(sys::kSendTimeout, timeout);
}
io::Result<std::optional<time::Duration>> TcpStream::read_timeout() const {
    return socket_.timeout(sys::kReceiveTimeout);
}
io::Result<std::optional<time::Duration>> TcpStream::write_timeout() const {
    return socket_.timeout(sys::kSendTimeout);
}
io::Result<void> TcpStream::set_nodelay(bool on) {
    return socket_.set_option(sys::kProtoTcp, sys::kTcpNoDelay, on);
}
io::Result<bool> TcpStream::nodelay() const {
    return TRY(socket_.option(sys::kProtoTcp, sys::kTcpNoDelay)) != 0;
}
io::Result<TcpStream> TcpStream::try_clone() const {
    auto socket = TRY(socket_.try_clone());
    return TcpStream(std::move(socket));
}

io::Result<TcpListener> TcpListener::bind(const SocketAddr& address) {
    auto socket = TRY(Socket::open(address, sys::kStream));
    TRY(socket.set_option(sys::kSolSocket, sys::kReuseAddress, 1));
    TRY(socket.bind(address));
    TRY(os::check(sys::listen(socket.raw(), 128)));
    return TcpListener(std::move(socket));
}

io::Result<TcpListener> TcpListener::bind(std::string_view host_and_port) {
    return first_address(host_and_port, [](const SocketAddr& address) { return bind(address); });
}

io::Result<TcpListener::Accepted> TcpListener::accept() {
    SocketName name;
    auto fd = TRY(io::retry([&] {
        return os::OwnedFd::from(
            sys::accept4(socket_.raw(), name.bytes, &name.length, sys::kSockCloseOnExec));
    }));
    auto peer = TRY(name.decode());
    return Accepted{TcpStream(Socket(std::move(fd))), peer};
}

}  // namespace astra::net
