// From names to addresses.
#pragma once
#include <type_traits>

#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/net/ip.hpp"

namespace astra::net {

/// The addresses of a host: a literal, /etc/hosts, "localhost", or what the name servers of /etc/resolv.conf
/// answer (A and AAAA; 3 s a try, 2 tries each). NotFound when nobody knows it, TimedOut when no server
/// answers.
io::Result<Vector<IpAddr>> lookup_host(std::string_view host);

/// The addresses of "host:port" ("example.com:80", "[::1]:80", "10.0.2.2:8080").
io::Result<Vector<SocketAddr>> to_socket_addrs(std::string_view host_and_port);

/// What `open` makes of the first address of "host:port" that works; when none does, the error of the last.
template <class Open>
std::invoke_result_t<Open, const SocketAddr&> first_address(std::string_view host_and_port, Open open) {
    auto addresses = TRY(to_socket_addrs(host_and_port));
    std::invoke_result_t<Open, const SocketAddr&> result =
        io::failure(io::ErrorKind::InvalidInput, "could not resolve to any addresses");
    for (const SocketAddr& address : addresses) {
        result = open(address);
        if (result) break;
    }
    return result;
}

}  // namespace astra::net
