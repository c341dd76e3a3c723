// What TCP and UDP sockets share.
#include "guest_runtime/net/socket.hpp"

#include <algorithm>

#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/time/time.hpp"

namespace astra::net {

SocketName::SocketName(const SocketAddr& address) {
    auto* v4 = std::get_if<Ipv4Addr>(&address.ip);
    bytes[0] = static_cast<u8>(v4 ? sys::kInet : sys::kInet6);
    bytes[2] = static_cast<u8>(address.port >> 8);
    bytes[3] = static_cast<u8>(address.port);
    if (v4) {
        std::copy(v4->octets.begin(), v4->octets.end(), bytes + 4);
        length = 16;
        return;
    }
    auto& v6 = *std::get_if<Ipv6Addr>(&address.ip);
    std::copy(v6.octets.begin(), v6.octets.end(), bytes + 8);
    for (usize i = 0; i < 4; i++) bytes[24 + i] = static_cast<u8>(address.scope_id >> 8 * i);
}

io::Result<SocketAddr> SocketName::decode() const {
    auto port = static_cast<u16>(bytes[2] << 8 | bytes[3]);
    if (bytes[0] == sys::kInet && length >= 16)
        return SocketAddr(Ipv4Addr(bytes[4], bytes[5], bytes[6], bytes[7]), port);
    if (bytes[0] != sys::kInet6 || length < 28)
        return io::failure(io::ErrorKind::InvalidData, "the kernel answered an address of another family");
    Ipv6Addr v6;
    std::copy_n(bytes + 8, 16, v6.octets.begin());
    u32 scope = 0;
    for (usize i = 0; i < 4; i++) scope |= u32{bytes[24 + i]} << 8 * i;
    return SocketAddr(v6, port, scope);
}

io::Result<Socket> Socket::open(const SocketAddr& family, int type) {
    auto fd = TRY(os::OwnedFd::from(
        sys::socket(family.is_ipv4() ? sys::kInet : sys::kInet6, type | sys::kSockCloseOnExec, 0)));
    return Socket(std::move(fd));
}

io::Result<Socket> Socket::try_clone() const {
    auto fd = TRY(fd_.try_clone());
    return Socket(std::move(fd));
}

io::Result<void> Socket::bind(const SocketAddr& address) {
    SocketName name(address);
    return os::check_done(sys::bind(raw(), name.bytes, name.length));
}

io::Result<void> Socket::connect(const SocketAddr& address, std::optional<time::Duration> timeout) {
    SocketName name(address);
    if (!timeout) {
        auto done = os::check_done(sys::connect(raw(), name.bytes, name.length));
        // Interrupted, it goes on by itself: wait for it as without blocking.
        if (done || done.error().kind() != io::ErrorKind::Interrupted) return done;
    } else {
        if (timeout->is_zero())
            return io::failure(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout");
        TRY(set_nonblocking(true));
        auto done = os::check_done(sys::connect(raw(), name.bytes, name.length));
        TRY(set_nonblocking(false));
        if (done || done.error().kind() != io::ErrorKind::InProgress) return done;
    }
    auto start = time::Instant::now();
    for (;;) {
        int wait = -1;
        if (timeout) {
            auto passed = start.elapsed();
            if (passed >= *timeout) return std::unexpected(io::Error(Errno::kETIMEDOUT));
            wait = static_cast<int>(std::min<u64>((*timeout - passed).as_millis() + 1, 0x7fffffff));
        }
        abi::PollFd poll{raw(), sys::kPollOut, 0};
        if (TRY(io::retry([&] { return os::check(sys::poll(&poll, 1, wait)); })) == 0) continue;
        if (auto error = TRY(take_error())) return std::unexpected(*error);
        return {};
    }
}

io::Result<SocketAddr> Socket::local_addr() const {
    SocketName name;
    TRY(os::check(sys::getsockname(raw(), name.bytes, &name.length)));
    return name.decode();
}

io::Result<SocketAddr> Socket::peer_addr() const {
    SocketName name;
    TRY(os::check(sys::getpeername(raw(), name.bytes, &name.length)));
    return name.decode();
}

io::Result<usize> Socket::send(std::span<const u8> from) {
    return static_cast<usize>(
        TRY(os::check(sys::sendto(raw(), from.data(), from.size(), sys::kMsgNoSignal, nullptr, 0))));
}

io::Result<usize> Socket::receive(std::span<u8> to, int flags) {
    return static_cast<usize>(TRY(
        os::check(sys::recvfrom(raw(), to.data(), to.size(), static_cast<u32>(flags), nullptr, nullptr))));
}

io::Result<void> Socket::set_timeout(int option, std::optional<time::Duration> timeout) {
    abi::TimeVal value{};
    if (timeout) {
        if (timeout->is_zero())
            return io::failure(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout");
        value = {static_cast<i64>(std::min<u64>(timeout->as_secs(), ~u64{0} >> 1)), timeout->subsec_micros()};
        if (value.sec == 0 && value.usec == 0) value.usec = 1;
    }
    return os::check_done(
        sys::setsockopt(raw(), sys::kSolSocket, option, reinterpret_cast<const u8*>(&value), sizeof value));
}

io::Result<std::optional<time::Duration>> Socket::timeout(int option) const {
    abi::TimeVal value{};
    int length = sizeof value;
    TRY(os::check(sys::getsockopt(raw(), sys::kSolSocket, option, reinterpret_cast<u8*>(&value), &length)));
    if (value.sec == 0 && value.usec == 0) return std::nullopt;
    return time::Duration(static_cast<u64>(value.sec), static_cast<u32>(value.usec) * 1000);
}

io::Result<void> Socket::set_option(int level, int option, int value) {
    return os::check_done(
        sys::setsockopt(raw(), level, option, reinterpret_cast<const u8*>(&value), sizeof value));
}

io::Result<int> Socket::option(int level, int option) const {
    int value = 0, length = sizeof value;
    TRY(os::check(sys::getsockopt(raw(), level, option, reinterpret_cast<u8*>(&value), &length)));
    return value;
}

io::Result<std::optional<io::Error>> Socket::take_error() {
    int error = TRY(option(sys::kSolSocket, sys::kSocketError));
    if (error == 0) return std::nullopt;
    return io::Error::from_raw_os_error(error);
}

}  // namespace astra::net
