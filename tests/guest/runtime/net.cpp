// net: addresses, TCP and UDP over loopback, time-outs, errors, and an HTTP client against a server in the
// same program.
#include <algorithm>

#include "guest_runtime/http/client.hpp"
#include "guest_runtime/net/udp.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/thread/thread.hpp"
#include "guest_runtime/time/time.hpp"
#include "tests/guest/runtime/check.hpp"

using namespace astra;
using namespace astra::test;
using io::ErrorKind;
using net::TcpListener;
using net::TcpStream;
using time::Duration;

namespace {

// The specification, "net.rs", Testing, "Error handling", and test_tcp_connect (with a server of our own on
// the port).
io::Result<void> specification() {
    check("connect to 0.0.0.0:1 fails", !TcpStream::connect("0.0.0.0:1"));
    auto listener = TRY(TcpListener::bind("127.0.0.1:8080"));
    check("test_tcp_connect: 127.0.0.1:8080", TcpStream::connect("127.0.0.1:8080").has_value());
    auto probe = TRY(TcpListener::bind("127.0.0.1:0"));
    auto address = TRY(probe.local_addr());
    { auto closed = std::move(probe); }
    fails("connect to a closed port", TcpStream::connect(address), ErrorKind::ConnectionRefused);
    fails("bind to a used port", TcpListener::bind("127.0.0.1:8080"), ErrorKind::AddrInUse);
    fails("connect without a port", TcpStream::connect("localhost"), ErrorKind::InvalidInput);
    return {};
}

io::Result<void> tcp() {
    auto listener = TRY(TcpListener::bind("127.0.0.1:0"));
    auto address = TRY(listener.local_addr());
    check("a port was chosen", address.port != 0);
    auto server = TRY(thread::spawn([&]() -> io::Result<u64> {
        auto [stream, peer] = TRY(listener.accept());
        auto out = TRY(stream.try_clone());
        return io::copy(stream, out);
    }));
    auto stream = TRY(TcpStream::connect(address));
    check("peer_addr", TRY(stream.peer_addr()) == address);
    TRY(stream.set_nodelay(true));
    check("nodelay", TRY(stream.nodelay()));
    TRY(stream.write_all("ping"));
    u8 four[4] = {};
    TRY(stream.read_exact(four));
    equal("echo", io::as_text(four), "ping");

    Vector<u8> sent;
    for (u32 i = 0; i < 200'000; i++) TRY(sent.push_back(static_cast<u8>(i * 7)));
    Vector<u8> received;
    auto copy = TRY(stream.try_clone());
    auto writer = TRY(thread::spawn([&]() -> io::Result<void> {
        TRY(copy.write_all(std::span<const u8>(sent)));
        return copy.shutdown(net::Shutdown::Write);
    }));
    equal("200 KB come back", TRY(stream.read_to_end(received)), sent.size());
    check("unchanged", std::equal(sent.begin(), sent.end(), received.begin(), received.end()));
    succeeds("the writer", TRY(writer.join()));
    succeeds("the server", TRY(server.join()));
    return {};
}

io::Result<void> waiting() {
    auto listener = TRY(TcpListener::bind("127.0.0.1:0"));
    auto stream = TRY(TcpStream::connect(TRY(listener.local_addr())));
    auto accepted = TRY(listener.accept());
    check("no time-out at first", !TRY(stream.read_timeout()));
    TRY(stream.set_read_timeout(Duration::from_millis(50)));
    auto kept = TRY(stream.read_timeout()).value_or(Duration());  // kernels round it up to their ticks
    check("read_timeout", kept >= Duration::from_millis(50) && kept <= Duration::from_millis(60));
    fails("a zero time-out", stream.set_read_timeout(Duration()), ErrorKind::InvalidInput);
    u8 byte[1];
    auto start = time::Instant::now();
    fails("a read that waits too long", stream.read(byte), ErrorKind::WouldBlock);
    check("waited 50 ms", start.elapsed() >= Duration::from_millis(45));
    TRY(stream.set_nonblocking(true));
    fails("non-blocking", stream.read(byte), ErrorKind::WouldBlock);
    TRY(stream.set_nonblocking(false));
    TRY(accepted.stream.write_all("x"));
    equal("peek", TRY(stream.peek(byte)), 1u);
    equal("read after peek", TRY(stream.read(byte)), 1u);
    { auto drop = std::move(accepted.stream); }
    equal("the other side closed", TRY(stream.read(byte)), 0u);
    TRY(listener.set_nonblocking(true));
    fails("accept without anybody", listener.accept(), ErrorKind::WouldBlock);
    return {};
}

io::Result<void> udp() {
    auto a = TRY(net::UdpSocket::bind("127.0.0.1:0"));
    auto b = TRY(net::UdpSocket::bind("127.0.0.1:0"));
    auto to = TRY(b.local_addr());
    equal("send_to", TRY(a.send_to(io::as_bytes("datagram"), to)), 8u);
    u8 buffer[100];
    auto got = TRY(b.recv_from(buffer));
    equal("recv_from", io::as_text({buffer, got.size}), "datagram");
    check("from whom", got.from == TRY(a.local_addr()));
    TRY(b.connect(got.from));
    TRY(b.send(io::as_bytes("back")));
    equal("recv", TRY(a.recv(buffer)), 4u);
    TRY(a.set_read_timeout(Duration::from_millis(20)));
    fails("recv that waits too long", a.recv(buffer), ErrorKind::WouldBlock);
    return {};
}

io::Result<void> names() {
    auto local = TRY(net::lookup_host("localhost"));
    check("localhost", !local.empty() && local[0] == net::IpAddr(net::Ipv4Addr::localhost()));
    auto all = TRY(net::to_socket_addrs("[::1]:80"));
    check("a literal", all.size() == 1 && all[0].is_ipv6());
    fails("a host that is none", net::lookup_host(""), ErrorKind::InvalidInput);
    return {};
}

/// Answers requests on one connection after another by their path, until it is asked for /end.
io::Result<void> serve(TcpListener& listener) {
    for (;;) {
        auto [stream, peer] = TRY(listener.accept());
        auto out = TRY(stream.try_clone());
        io::BufReader in(std::move(stream));
        for (int served = 1;; served++) {
            auto request = TRY(http::read_request(in));
            if (!request) break;
            std::string_view target = request->target;
            if (target == "/plain")
                TRY(out.write_fmt("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nserved{}", served));
            else if (target == "/chunked")
                TRY(
                    out.write_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                                  "chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"));
            else if (target == "/moved")
                TRY(out.write_all("HTTP/1.1 302 Found\r\nLocation: plain\r\nContent-Length: 0\r\n\r\n"));
            else if (target == "/loop")
                TRY(out.write_all("HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n"));
            else if (target == "/slow")
                thread::sleep(Duration::from_millis(300));
            else if (target == "/drop") {
                TRY(out.write_all("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
                break;  // closes without saying so
            } else if (target == "/end") {
                return out.write_all("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbye");
            } else
                TRY(out.write_all("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
            if (target == "/slow") break;
        }
    }
}

io::Result<void> http_client() {
    auto listener = TRY(TcpListener::bind("127.0.0.1:0"));
    u16 port = TRY(listener.local_addr()).port;
    auto server = TRY(thread::spawn([&] { return serve(listener); }));
    auto at = [&](std::string_view path) { return *format("http://127.0.0.1:{}{}", port, path); };
    http::Client client;
    auto response = TRY(client.get(at("/plain")));
    check("GET", response.status == 200 && response.text() == "served1");
    equal("keep-alive", TRY(client.get(at("/plain"))).text(), "served2");
    equal("chunked", TRY(client.get(at("/chunked"))).text(), "abcdefg");
    equal("a redirect", TRY(client.get(at("/moved"))).text(), "served5");
    equal("not found", TRY(client.get(at("/x"))).status, 404);
    fails("redirects without end", client.get(at("/loop")), ErrorKind::InvalidData);
    equal("a kept connection", TRY(client.get(at("/drop"))).text(), "ok");
    equal("that was closed is made anew", TRY(client.get(at("/plain"))).text(), "served1");
    client.timeout(Duration::from_millis(100));
    fails("a server that is silent", client.get(at("/slow")), ErrorKind::TimedOut);
    fails("https", client.get("https://127.0.0.1/"), ErrorKind::Unsupported);
    client.timeout(Duration::from_secs(10));
    equal("a body up to the end", TRY(client.get(at("/end"))).text(), "bye");
    succeeds("the server", TRY(server.join()));
    return {};
}

}  // namespace

int main() {
    run("specification", specification);
    run("tcp", tcp);
    run("waiting", waiting);
    run("udp", udp);
    run("names", names);
    run("http_client", http_client);
    return finish("rt_net");
}
