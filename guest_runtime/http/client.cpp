// An HTTP/1.1 client.
#include "guest_runtime/http/client.hpp"

#include "guest_runtime/fmt/format.hpp"

namespace astra::http {

namespace {

/// What waited too long says WouldBlock in the kernel's words.
template <class T>
io::Result<T> name_timeout(io::Result<T> result) {
    if (!result && result.error().kind() == io::ErrorKind::WouldBlock)
        return io::failure(io::ErrorKind::TimedOut, "the HTTP server did not answer in time");
    return result;
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// Copies header fields; without `credentials` those that are meant for one host are left out.
io::Result<void> copy_headers(const Headers& from, Headers& to, bool credentials) {
    for (const Headers::Field& field : from.fields()) {
        bool secret = text::equal_ignoring_case(field.name, "authorization") ||
                      text::equal_ignoring_case(field.name, "cookie");
        if (!secret || credentials) TRY(to.append(field.name, field.value));
    }
    return {};
}

}  // namespace

io::Result<void> Client::connect(const url::Url& url, std::string_view authority) {
    if (url.scheme() != "http")
        return io::failure(io::ErrorKind::Unsupported, "only http URLs are supported: there is no TLS");
    auto addresses = TRY(net::lookup_host(url.host()));
    io::Result<net::TcpStream> stream = io::failure(io::ErrorKind::NotFound, "no such host");
    for (const net::IpAddr& ip : addresses) {
        net::SocketAddr address(ip, *url.port());
        stream =
            timeout_ ? net::TcpStream::connect_timeout(address, *timeout_) : net::TcpStream::connect(address);
        if (stream) break;
    }
    if (!stream) return std::unexpected(stream.error());
    TRY(stream->set_read_timeout(timeout_));
    TRY(stream->set_write_timeout(timeout_));
    TRY(stream->set_nodelay(true));
    String name;
    TRY(name.append(authority));
    connection_.emplace(Connection{std::move(name), io::BufReader(std::move(*stream))});
    return {};
}

io::Result<std::optional<Response>> Client::try_exchange(const url::Url& url, const Request& request) {
    String target = TRY(url.target());
    String head =
        TRY(format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, target, connection_->authority));
    auto line = [&](std::string_view name, std::string_view value) -> io::Result<void> {
        for (std::string_view part : {name, std::string_view(": "), value, std::string_view("\r\n")})
            TRY(head.append(part));
        return {};
    };
    for (const Headers::Field& field : request.headers.fields()) TRY(line(field.name, field.value));
    if (!request.body.empty()) {
        String length = TRY(format("{}", request.body.size()));
        TRY(line("Content-Length", length));
    }
    TRY(head.append("\r\n"));
    TRY(connection_->stream.get_mut().write_all(head.view()));
    TRY(connection_->stream.get_mut().write_all(request.body));
    return read_response(connection_->stream, request.method);
}

io::Result<Response> Client::exchange(const url::Url& url, const Request& request) {
    String authority = TRY(url.authority());
    bool kept = connection_ && connection_->authority.view() == authority.view();
    for (;; kept = false) {
        if (!kept) {
            connection_.reset();
            TRY(connect(url, authority));
        }
        auto answer = name_timeout(try_exchange(url, request));
        // A kept connection may have been closed meanwhile: that is no error of this request. Once more on a
        // new one.
        bool closed = !answer ? answer.error().kind() == io::ErrorKind::ConnectionReset ||
                                    answer.error().kind() == io::ErrorKind::BrokenPipe
                              : !*answer;
        if (kept && closed) continue;
        if (!answer || !*answer || !(*answer)->keep_alive()) connection_.reset();
        if (!answer) return std::unexpected(answer.error());
        if (!*answer)
            return io::failure(io::ErrorKind::UnexpectedEof, "the HTTP server closed without an answer");
        return std::move(**answer);
    }
}

io::Result<Response> Client::send(std::string_view address, const Request& request) {
    auto url = TRY(url::Url::parse(address));
    Request current{request.method, {}, request.body};
    TRY(copy_headers(request.headers, current.headers, true));
    for (u32 hops = 0;; hops++) {
        auto response = TRY(exchange(url, current));
        auto location = response.headers.get("location");
        if (redirects_ == 0 || !is_redirect(response.status) || !location) return response;
        if (hops == redirects_) return io::failure(io::ErrorKind::InvalidData, "too many HTTP redirects");
        auto next = TRY(url.join(*location));
        // Another method than GET or HEAD is kept by 307 and 308 only (RFC 9110, 15.4).
        bool keeps = response.status >= 307 || current.method == "HEAD";
        if (!keeps) current.method = "GET", current.body = {};
        if (next.host() != url.host() || next.port() != url.port()) {
            current.headers = Headers();
            TRY(copy_headers(request.headers, current.headers, false));
        }
        url = std::move(next);
    }
}

io::Result<Response> Client::get(std::string_view url) { return send(url, Request{}); }

io::Result<Response> get(std::string_view url) {
    Client client;
    return client.get(url);
}

}  // namespace astra::http
