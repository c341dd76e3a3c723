// From names to addresses.
#pragma once
#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/net/ip.hpp"

namespace astra::net {

/// The addresses of a host: a literal, /etc/hosts, "localhost", or what the name servers of /etc/resolv.conf
/// answer (A and AAAA; 3 s a try, 2 tries each). NotFound when nobody knows it, TimedOut when no server
/// answers.
io::Result<Vector<IpAddr>> lookup_host(std::string_view host);

/// The addresses of "host:port" ("example.com:80", "[::1]:80", "10.0.2.2:8080").
io::Result<Vector<SocketAddr>> to_socket_addrs(std::string_view host_and_port);

}  // namespace astra::net
