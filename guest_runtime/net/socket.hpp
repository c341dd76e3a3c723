// What TCP and UDP sockets share: names as the kernel has them, options, waiting.
#pragma once
#include <optional>

#include "guest_runtime/net/ip.hpp"
#include "guest_runtime/os/os.hpp"
#include "guest_runtime/time/duration.hpp"

namespace astra::net {

/// An address as sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)): 16 or 28 bytes, port and address in network
/// order.
struct SocketName {
    u8 bytes[28] = {};
    int length = sizeof bytes;
    SocketName() = default;
    explicit SocketName(const SocketAddr& address);
    /// InvalidData for a family that is none of the two.
    [[nodiscard]] io::Result<SocketAddr> decode() const;
};

/// An internet socket.
class Socket {
  public:
    explicit Socket(os::OwnedFd fd) : fd_(std::move(fd)) {}
    /// A new one for addresses of this family; `type` is sys::kStream or sys::kDatagram.
    static io::Result<Socket> open(const SocketAddr& family, int type);

    [[nodiscard]] int raw() const { return fd_.raw(); }
    os::OwnedFd& fd() { return fd_; }
    [[nodiscard]] io::Result<Socket> try_clone() const;
    io::Result<void> bind(const SocketAddr& address);
    /// Connects; with `timeout` gives up after it (TimedOut).
    io::Result<void> connect(const SocketAddr& address, std::optional<time::Duration> timeout);
    [[nodiscard]] io::Result<SocketAddr> local_addr() const;
    [[nodiscard]] io::Result<SocketAddr> peer_addr() const;

    io::Result<usize> send(std::span<const u8> from);
    io::Result<usize> receive(std::span<u8> to, int flags = 0);

    /// How long a call may wait; none: for ever. A zero one is InvalidInput. Calls that gave up answer
    /// WouldBlock.
    io::Result<void> set_timeout(int option, std::optional<time::Duration> timeout);
    [[nodiscard]] io::Result<std::optional<time::Duration>> timeout(int option) const;
    io::Result<void> set_nonblocking(bool on) { return os::set_nonblocking(raw(), on); }
    /// Integer options (socket(7), tcp(7), ip(7)).
    io::Result<void> set_option(int level, int option, int value);
    [[nodiscard]] io::Result<int> option(int level, int option) const;
    /// The pending error, which is then cleared (SO_ERROR).
    io::Result<std::optional<io::Error>> take_error();

  private:
    os::OwnedFd fd_;
};

}  // namespace astra::net
