// Reading and printing internet addresses.
#include "guest_runtime/net/ip.hpp"

#include <algorithm>

#include "guest_runtime/fmt/formatter.hpp"
#include "guest_runtime/text/text.hpp"

namespace astra::net {

namespace {

std::unexpected<io::Error> invalid() {
    return io::failure(io::ErrorKind::InvalidInput, "invalid internet address");
}

/// A decimal number below 256 without leading zeros.
io::Result<u8> octet(std::string_view text) {
    if (text.size() > 3 || (text.size() > 1 && text[0] == '0') || text.starts_with('+')) return invalid();
    return text::parse<u8>(text);
}

}  // namespace

bool Ipv6Addr::is_ipv4_mapped() const {
    return std::all_of(octets.begin(), octets.begin() + 10, [](u8 o) { return o == 0; }) &&
           segment(5) == 0xffff;
}

io::Result<Ipv4Addr> parse_ipv4(std::string_view text) {
    Ipv4Addr a;
    usize count = 0;
    for (std::string_view part : text::Split(text, '.')) {
        if (count == 4) return invalid();
        a.octets[count++] = TRY(octet(part));
    }
    if (count != 4) return invalid();
    return a;
}

io::Result<Ipv6Addr> parse_ipv6(std::string_view text) {
    // Groups before the "::" fill from the left, those after it from the right.
    Ipv6Addr a;
    auto groups = [](std::string_view part, std::array<u8, 16>& to) -> io::Result<usize> {
        usize used = 0;
        if (part.empty()) return used;
        while (true) {
            usize colon = part.find(':');
            std::string_view group = part.substr(0, colon);
            if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
                auto v4 = TRY(parse_ipv4(group));
                if (used > 12) return invalid();
                std::copy(v4.octets.begin(), v4.octets.end(), to.begin() + static_cast<i64>(used));
                return used + 4;
            }
            if (group.empty() || group.size() > 4 || used > 14 || group[0] == '+') return invalid();
            u16 value = TRY(text::parse<u16>(group, 16));
            to[used++] = static_cast<u8>(value >> 8);
            to[used++] = static_cast<u8>(value);
            if (colon == std::string_view::npos) return used;
            part.remove_prefix(colon + 1);
            if (part.empty()) return invalid();
        }
    };
    auto halves = text::split_once(text, "::");
    if (!halves) {
        if (TRY(groups(text, a.octets)) != 16) return invalid();
        return a;
    }
    std::array<u8, 16> tail{};
    usize before = TRY(groups(halves->before, a.octets));
    usize after = TRY(groups(halves->after, tail));
    // "::" stands for one group at least; IPv4 may only be at the end.
    if (before + after > 14 || halves->before.find('.') != std::string_view::npos) return invalid();
    std::copy_n(tail.begin(), after, a.octets.end() - static_cast<i64>(after));
    return a;
}

io::Result<IpAddr> parse_ip(std::string_view text) {
    if (text.find(':') == std::string_view::npos) return IpAddr(TRY(parse_ipv4(text)));
    return IpAddr(TRY(parse_ipv6(text)));
}

io::Result<SocketAddr> parse_socket_addr(std::string_view text) {
    auto parts = text::rsplit_once(text, ":");
    if (!parts || parts->after.starts_with('+')) return invalid();
    u16 port = TRY(text::parse<u16>(parts->after));
    std::string_view host = parts->before;
    if (!host.starts_with('[')) return SocketAddr(IpAddr(TRY(parse_ipv4(host))), port);
    if (!host.ends_with(']')) return invalid();
    host = host.substr(1, host.size() - 2);
    u32 scope = 0;
    if (auto zone = text::split_once(host, "%")) {
        scope = TRY(text::parse<u32>(zone->after));
        host = zone->before;
    }
    return SocketAddr(IpAddr(TRY(parse_ipv6(host))), port, scope);
}

void display(fmt::Formatter& out, const Ipv4Addr& a) {
    char text[16];
    fmt::BufferSink sink(text);
    fmt::Formatter(sink).print("{}.{}.{}.{}", a.octets[0], a.octets[1], a.octets[2], a.octets[3]);
    out.pad(sink.text());
}

void display(fmt::Formatter& out, const Ipv6Addr& a) {
    char text[48];
    fmt::BufferSink sink(text);
    fmt::Formatter plain(sink);
    usize best = 8, length = 1;  // where the longest run of zeros starts; one group alone is not shortened
    for (usize i = 0; i < 8;) {
        usize end = i;
        while (end < 8 && a.segment(end) == 0) end++;
        if (end - i > length) best = i, length = end - i;
        i = end + 1;
    }
    if (a.is_ipv4_mapped()) {
        plain.print("::ffff:{}.{}.{}.{}", a.octets[12], a.octets[13], a.octets[14], a.octets[15]);
    } else {
        for (usize i = 0; i < 8; i++) {
            if (i == best) {
                plain.write("::");
                i += length - 1;
            } else {
                if (i > 0 && i != best + length) plain.write(":");
                plain.print("{:x}", a.segment(i));
            }
        }
    }
    out.pad(sink.text());
}

void display(fmt::Formatter& out, const SocketAddr& a) {
    char text[72];
    fmt::BufferSink sink(text);
    fmt::Formatter plain(sink);
    if (a.is_ipv4())
        plain.print("{}:{}", std::get<Ipv4Addr>(a.ip), a.port);
    else if (a.scope_id)
        plain.print("[{}%{}]:{}", std::get<Ipv6Addr>(a.ip), a.scope_id, a.port);
    else
        plain.print("[{}]:{}", std::get<Ipv6Addr>(a.ip), a.port);
    out.pad(sink.text());
}

void display(fmt::Formatter& out, const IpAddr& a) {
    if (auto* v4 = std::get_if<Ipv4Addr>(&a))
        display(out, *v4);
    else
        display(out, *std::get_if<Ipv6Addr>(&a));
}

}  // namespace astra::net
