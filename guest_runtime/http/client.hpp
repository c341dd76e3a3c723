// An HTTP/1.1 client: keep-alive, redirects, time-outs. Plain http only: there is no TLS.
#pragma once
#include "guest_runtime/http/message.hpp"
#include "guest_runtime/net/tcp.hpp"
#include "guest_runtime/url/url.hpp"

namespace astra::http {

/// What to ask for.
struct Request {
    std::string_view method = "GET";
    Headers headers;  // Host, Content-Length and Connection are added
    std::span<const u8> body = {};
};

/// Keeps one connection open and uses it again for the same host. Not for use by several threads at once.
///     http::Client client;
///     auto response = TRY(client.get("http://example.com/"));
///     println("{} {}", response.status, response.text());
class Client {
  public:
    /// At most this long for connecting and for every wait for data; none: for ever. 30 s unless told.
    Client& timeout(std::optional<time::Duration> timeout) {
        connection_.reset();  // its sockets have the old one
        timeout_ = timeout;
        return *this;
    }
    /// How many redirects (301, 302, 303, 307, 308) to follow; 10 unless told, 0: hand them out.
    Client& max_redirects(u32 count) { return redirects_ = count, *this; }

    io::Result<Response> get(std::string_view url);
    io::Result<Response> send(std::string_view url, const Request& request);

  private:
    struct Connection {
        String authority;
        io::BufReader<net::TcpStream> stream;
    };
    io::Result<Response> exchange(const url::Url& url, const Request& request);
    io::Result<std::optional<Response>> try_exchange(const url::Url& url, const Request& request);
    io::Result<void> connect(const url::Url& url, std::string_view authority);
    std::optional<Connection> connection_;
    std::optional<time::Duration> timeout_ = time::Duration::from_secs(30);
    u32 redirects_ = 10;
};

/// One GET with a client of its own.
io::Result<Response> get(std::string_view url);

}  // namespace astra::http
