// Internet addresses. IPv4 ones are kept as IPv6's IPv4-mapped addresses (RFC 4291, 2.5.5.2), so that
// everything above the network layer knows one kind.
#pragma once
#include <compare>

#include "guest_kernel/net/stack/wire.hpp"

namespace astra::inet {

struct IpAddress {
    u8 bytes[16] = {};

    static constexpr IpAddress v4(u32 value) {
        IpAddress a;
        a.bytes[10] = a.bytes[11] = 0xff;
        store32(a.bytes + 12, value);
        return a;
    }
    static constexpr IpAddress v6(const u8* from) {
        IpAddress a;
        for (int i = 0; i < 16; i++) a.bytes[i] = from[i];
        return a;
    }
    static constexpr IpAddress v6_loopback() {
        IpAddress a;
        a.bytes[15] = 1;
        return a;
    }
    [[nodiscard]] constexpr bool is_v4() const {
        for (int i = 0; i < 10; i++)
            if (bytes[i]) return false;
        return bytes[10] == 0xff && bytes[11] == 0xff;
    }
    /// The IPv4 address in host byte order; is_v4() holds.
    [[nodiscard]] constexpr u32 v4() const { return load32(bytes + 12); }
    [[nodiscard]] constexpr bool is_unspecified() const {
        if (is_v4()) return v4() == 0;
        for (u8 byte : bytes)
            if (byte) return false;
        return true;
    }
    [[nodiscard]] constexpr bool is_loopback() const {
        return is_v4() ? v4() >> 24 == 127 : *this == v6_loopback();
    }
    [[nodiscard]] constexpr bool is_multicast() const {
        return is_v4() ? v4() >> 28 == 14 : bytes[0] == 0xff;
    }
    [[nodiscard]] constexpr bool is_broadcast() const { return is_v4() && v4() == ~u32{0}; }
    [[nodiscard]] constexpr bool is_link_local() const {
        return !is_v4() && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    }
    /// Do the first `length` bits agree? Lengths count the bits of the family's own addresses.
    [[nodiscard]] constexpr bool in_prefix(const IpAddress& prefix, u32 length) const {
        if (is_v4() != prefix.is_v4()) return false;
        u32 bits = length + (is_v4() ? 96 : 0);
        for (u32 i = 0; i < 16 && bits > 0; i++) {
            u32 count = bits < 8 ? bits : 8;
            u8 mask = static_cast<u8>(0xff00 >> count);
            if ((bytes[i] ^ prefix.bytes[i]) & mask) return false;
            bits -= count;
        }
        return true;
    }
    friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// An address and a port of a transport protocol (in host byte order).
struct Endpoint {
    IpAddress address{};
    u16 port = 0;
    friend constexpr bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct MacAddress {
    u8 bytes[6] = {};
    static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
    friend constexpr bool operator==(const MacAddress&, const MacAddress&) = default;
};

}  // namespace astra::inet
