// Internet addresses: IPv4, IPv6, and with a port; reading and printing them.
#pragma once
#include <array>
#include <compare>
#include <string_view>
#include <variant>

#include "guest_runtime/io/error.hpp"

namespace astra::net {

/// Four octets, most significant first.
struct Ipv4Addr {
    std::array<u8, 4> octets{};
    constexpr Ipv4Addr() = default;
    constexpr Ipv4Addr(u8 a, u8 b, u8 c, u8 d) : octets{a, b, c, d} {}
    static constexpr Ipv4Addr localhost() { return {127, 0, 0, 1}; }
    static constexpr Ipv4Addr unspecified() { return {}; }
    static constexpr Ipv4Addr broadcast() { return {255, 255, 255, 255}; }
    [[nodiscard]] bool is_loopback() const { return octets[0] == 127; }
    [[nodiscard]] bool is_unspecified() const { return *this == Ipv4Addr(); }
    /// 10/8, 172.16/12, 192.168/16 (RFC 1918).
    [[nodiscard]] bool is_private() const {
        return octets[0] == 10 || (octets[0] == 172 && (octets[1] & 0xf0) == 16) ||
               (octets[0] == 192 && octets[1] == 168);
    }
    [[nodiscard]] bool is_multicast() const { return (octets[0] & 0xf0) == 0xe0; }
    friend auto operator<=>(const Ipv4Addr&, const Ipv4Addr&) = default;
};

/// Sixteen octets, most significant first.
struct Ipv6Addr {
    std::array<u8, 16> octets{};
    constexpr Ipv6Addr() = default;
    constexpr explicit Ipv6Addr(std::array<u8, 16> o) : octets(o) {}
    static constexpr Ipv6Addr localhost() {
        Ipv6Addr a;
        a.octets[15] = 1;
        return a;
    }
    static constexpr Ipv6Addr unspecified() { return {}; }
    /// One of the eight 16-bit groups.
    [[nodiscard]] constexpr u16 segment(usize i) const {
        return static_cast<u16>(octets[2 * i] << 8 | octets[2 * i + 1]);
    }
    [[nodiscard]] bool is_loopback() const { return *this == localhost(); }
    [[nodiscard]] bool is_unspecified() const { return *this == Ipv6Addr(); }
    /// ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
    [[nodiscard]] bool is_ipv4_mapped() const;
    friend auto operator<=>(const Ipv6Addr&, const Ipv6Addr&) = default;
};

/// One or the other: look with std::get_if<Ipv4Addr>(&ip).
struct IpAddr : std::variant<Ipv4Addr, Ipv6Addr> {
    using variant::variant;
    [[nodiscard]] bool is_ipv4() const { return index() == 0; }
    [[nodiscard]] bool is_ipv6() const { return index() == 1; }
};

/// An address and a port.
struct SocketAddr {
    IpAddr ip;
    u16 port = 0;
    u32 scope_id = 0;  // of link-local IPv6 addresses: the interface
    SocketAddr() = default;
    SocketAddr(IpAddr address, u16 p, u32 scope = 0) : ip(address), port(p), scope_id(scope) {}
    [[nodiscard]] bool is_ipv4() const { return ip.is_ipv4(); }
    [[nodiscard]] bool is_ipv6() const { return !is_ipv4(); }
    friend bool operator==(const SocketAddr&, const SocketAddr&) = default;
};

/// "192.0.2.1": four decimal numbers without leading zeros. InvalidInput for anything else.
io::Result<Ipv4Addr> parse_ipv4(std::string_view text);
/// RFC 4291, 2.2: "2001:db8::1", "::ffff:192.0.2.1". InvalidInput for anything else.
io::Result<Ipv6Addr> parse_ipv6(std::string_view text);
io::Result<IpAddr> parse_ip(std::string_view text);
/// "192.0.2.1:80", "[2001:db8::1]:80", "[fe80::1%2]:80".
///     auto addr = TRY(net::parse_socket_addr("127.0.0.1:8080"));
io::Result<SocketAddr> parse_socket_addr(std::string_view text);

void display(fmt::Formatter& out, const Ipv4Addr& a);
/// As RFC 5952 recommends: lower case, the longest run of zero groups (two or more) as "::".
void display(fmt::Formatter& out, const Ipv6Addr& a);
void display(fmt::Formatter& out, const IpAddr& a);
void display(fmt::Formatter& out, const SocketAddr& a);

}  // namespace astra::net
