// TCP: streams and listeners.
#pragma once
#include "guest_runtime/io/traits.hpp"
#include "guest_runtime/net/resolve.hpp"
#include "guest_runtime/net/socket.hpp"

namespace astra::net {

/// Which half of a connection to close.
enum class Shutdown { Read, Write, Both };

/// A connection. Reads answer 0 when the other side has closed; writes to one that is gone answer BrokenPipe.
///     auto stream = TRY(net::TcpStream::connect("example.com:80"));
class TcpStream : public io::ReadMethods<TcpStream>, public io::WriteMethods<TcpStream> {
  public:
    explicit TcpStream(Socket socket) : socket_(std::move(socket)) {}
    /// To an address; to "host:port", trying each address of the host in turn.
    static io::Result<TcpStream> connect(const SocketAddr& address);
    static io::Result<TcpStream> connect(std::string_view host_and_port);
    /// Gives up after `timeout` (TimedOut).
    static io::Result<TcpStream> connect_timeout(const SocketAddr& address, time::Duration timeout);

    io::Result<usize> read(std::span<u8> to) { return socket_.receive(to); }
    io::Result<usize> write(std::span<const u8> from) { return socket_.send(from); }
    io::Result<void> flush() { return {}; }
    /// Reads without taking.
    io::Result<usize> peek(std::span<u8> to);
    io::Result<void> shutdown(Shutdown how);
    [[nodiscard]] io::Result<SocketAddr> local_addr() const { return socket_.local_addr(); }
    [[nodiscard]] io::Result<SocketAddr> peer_addr() const { return socket_.peer_addr(); }
    /// How long a read or write may wait; none: for ever. Then they answer WouldBlock.
    io::Result<void> set_read_timeout(std::optional<time::Duration> timeout);
    io::Result<void> set_write_timeout(std::optional<time::Duration> timeout);
    [[nodiscard]] io::Result<std::optional<time::Duration>> read_timeout() const;
    [[nodiscard]] io::Result<std::optional<time::Duration>> write_timeout() const;
    /// Sends small pieces at once (TCP_NODELAY).
    io::Result<void> set_nodelay(bool on);
    [[nodiscard]] io::Result<bool> nodelay() const;
    /// Reads and writes that would wait answer WouldBlock at once.
    io::Result<void> set_nonblocking(bool on) { return socket_.set_nonblocking(on); }
    io::Result<std::optional<io::Error>> take_error() { return socket_.take_error(); }
    /// Another handle for the same connection.
    [[nodiscard]] io::Result<TcpStream> try_clone() const;

  private:
    Socket socket_;
};

/// A port that takes connections.
///     auto listener = TRY(net::TcpListener::bind("0.0.0.0:80"));
///     auto [stream, peer] = TRY(listener.accept());
class TcpListener {
  public:
    /// SO_REUSEADDR is set, as in Rust: a restarted server gets its port back.
    static io::Result<TcpListener> bind(const SocketAddr& address);
    static io::Result<TcpListener> bind(std::string_view host_and_port);
    struct Accepted {
        TcpStream stream;
        SocketAddr peer;
    };
    /// Waits for a connection.
    io::Result<Accepted> accept();
    [[nodiscard]] io::Result<SocketAddr> local_addr() const { return socket_.local_addr(); }
    io::Result<void> set_nonblocking(bool on) { return socket_.set_nonblocking(on); }

  private:
    explicit TcpListener(Socket socket) : socket_(std::move(socket)) {}
    Socket socket_;
};

}  // namespace astra::net
