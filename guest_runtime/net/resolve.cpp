// From names to addresses: /etc/hosts (hosts(5)), then the servers of /etc/resolv.conf (resolv.conf(5)) over
// UDP.
#include "guest_runtime/net/resolve.hpp"

#include "guest_runtime/fs/fs.hpp"
#include "guest_runtime/net/dns_message.hpp"
#include "guest_runtime/net/udp.hpp"
#include "guest_runtime/random/random.hpp"
#include "guest_runtime/text/text.hpp"

namespace astra::net {

namespace {

/// Calls `each(first word, rest)` for every line of a configuration file that says something; a file that is
/// not there says nothing.
template <class F>
io::Result<void> for_lines(std::string_view path, F each) {
    auto contents = fs::read_to_string(path);
    if (!contents) {
        if (contents.error().kind() == io::ErrorKind::NotFound) return {};
        return std::unexpected(contents.error());
    }
    for (std::string_view line : text::Split(*contents, '\n')) {
        line = text::trim(line.substr(0, line.find('#')));
        usize space = line.find_first_of(" \t");
        if (space == std::string_view::npos) continue;
        TRY(each(line.substr(0, space), text::trim(line.substr(space))));
    }
    return {};
}

io::Result<void> look_in_hosts(std::string_view host, Vector<IpAddr>& found) {
    return for_lines("/etc/hosts", [&](std::string_view address, std::string_view names) -> io::Result<void> {
        auto ip = parse_ip(address);
        if (!ip) return {};
        while (!names.empty()) {
            usize end = std::min(names.find_first_of(" \t"), names.size());
            if (text::equal_ignoring_case(names.substr(0, end), host)) TRY(found.push_back(*ip));
            names = text::trim(names.substr(end));
        }
        return {};
    });
}

io::Result<Vector<IpAddr>> ask(const SocketAddr& server, std::string_view host, DnsType type) {
    auto id = static_cast<u16>(random::next_u64());
    auto query = TRY(make_query(id, host, type));
    auto any = server.is_ipv4() ? IpAddr(Ipv4Addr()) : IpAddr(Ipv6Addr());
    for (int tries = 0; tries < 2; tries++) {
        auto socket =
            TRY(UdpSocket::bind(SocketAddr(any, 0)));  // a new port each time: harder to forge answers
        TRY(socket.connect(server));
        TRY(socket.set_read_timeout(time::Duration::from_secs(3)));
        TRY(socket.send(query));
        for (int strays = 0; strays < 16; strays++) {
            u8 answer[1232];  // DNS over UDP without fragments (RFC 9715)
            auto size = io::retry([&] { return socket.recv(answer); });
            if (!size && size.error().kind() == io::ErrorKind::WouldBlock) break;
            if (!size) return std::unexpected(size.error());
            auto found = read_answer({answer, *size}, id, type);
            // What is no answer to this query may be forged: the server's own may still come.
            if (found || found.error().kind() != io::ErrorKind::InvalidData) return found;
        }
    }
    return std::unexpected(io::Error(Errno::kETIMEDOUT));
}

}  // namespace

io::Result<Vector<IpAddr>> lookup_host(std::string_view host) {
    Vector<IpAddr> found;
    if (auto literal = parse_ip(host)) {
        TRY(found.push_back(*literal));
        return found;
    }
    if (host.find('\0') != std::string_view::npos || host.empty())
        return io::failure(io::ErrorKind::InvalidInput, "invalid host name");
    TRY(look_in_hosts(host, found));
    if (found.empty() && text::equal_ignoring_case(host, "localhost"))
        TRY(found.push_back(Ipv4Addr::localhost()));
    if (!found.empty()) return found;

    Vector<SocketAddr> servers;
    TRY(for_lines("/etc/resolv.conf", [&](std::string_view word, std::string_view value) -> io::Result<void> {
        auto ip = parse_ip(value);
        if (word == "nameserver" && ip) TRY(servers.push_back(SocketAddr(*ip, 53)));
        return {};
    }));
    io::Error last(io::ErrorKind::NotFound, "no such host");
    for (const SocketAddr& server : servers) {
        bool answered = false;
        for (DnsType type : {DnsType::A, DnsType::Aaaa}) {
            auto addresses = ask(server, host, type);
            if (!addresses) {
                last = addresses.error();
                answered |= last.kind() == io::ErrorKind::NotFound;
                continue;
            }
            answered = true;
            TRY(found.append(*addresses));
        }
        if (!found.empty()) return found;
        if (answered) return io::failure(io::ErrorKind::NotFound, "no such host");
    }
    return std::unexpected(last);
}

io::Result<Vector<SocketAddr>> to_socket_addrs(std::string_view host_and_port) {
    Vector<SocketAddr> all;
    if (auto literal = parse_socket_addr(host_and_port)) {
        TRY(all.push_back(*literal));
        return all;
    }
    auto parts = text::rsplit_once(host_and_port, ":");
    if (!parts) return io::failure(io::ErrorKind::InvalidInput, "a port is missing: HOST:PORT");
    u16 port = TRY(text::parse<u16>(parts->after));
    auto addresses = TRY(lookup_host(parts->before));
    for (const IpAddr& ip : addresses) TRY(all.push_back(SocketAddr(ip, port)));
    return all;
}

}  // namespace astra::net
