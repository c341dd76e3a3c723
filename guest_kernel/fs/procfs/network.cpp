// /proc/net: interfaces, routes, neighbours and sockets, in the formats of Linux's net/ipv4 and net/core.
#include "guest_kernel/net/inet/network.hpp"
#include "guest_kernel/fs/procfs/files.hpp"
#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::fs::procfs {

namespace {

using inet::Bound;
using inet::IpAddress;
using NetLink = inet::Link;
using inet::Stack;

/// An IPv4 address as the number a little-endian machine reads from memory.
u32 in_memory(const IpAddress& address) { return __builtin_bswap32(address.v4()); }

void add_endpoint(Text& out, const inet::Endpoint& endpoint, bool v6) {
    if (v6)
        for (usize word = 0; word < 4; word++)
            out.add("%08X", __builtin_bswap32(inet::load32(endpoint.address.bytes + word * 4)));
    else
        out.add("%08X", in_memory(endpoint.address));
    out.add(":%04X", endpoint.port);
}

struct Line {
    u8 state;
    usize sending, receiving;
};
Line line_of(const Bound& item) {
    if (item.protocol != inet::kTcp) {
        auto& port = static_cast<const inet::UdpPort&>(item);
        return {static_cast<u8>(port.connected() ? inet::tcp::State::Established : inet::tcp::State::Closed),
                0, port.queued_bytes()};
    }
    if (item.listening())
        return {static_cast<u8>(inet::tcp::State::Listen), 0,
                static_cast<const inet::tcp::Listener&>(item).ready()};
    auto& connection = static_cast<const inet::tcp::Connection&>(item);
    return {static_cast<u8>(connection.state()), connection.unsent_bytes(), connection.received_bytes()};
}

template <u8 kProtocol, bool kV6>
Result<void> show_sockets(const Subject&, Text& out) {
    out.append(
        kV6 ? "  sl  local_address                         remote_address                        st tx_queue "
              "rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
            : "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
              "inode\n");
    net::with_stack([&out](Stack& stack) {
        u32 number = 0;
        stack.ports.each(kProtocol, [&](Bound& item) {
            if (item.ipv6 != kV6) return;
            const Line line = line_of(item);
            out.add("%4u: ", number++);
            add_endpoint(out, item.local, kV6);
            out.append(" ");
            add_endpoint(out, item.remote, kV6);
            out.add(" %02X %08zX:%08zX 00:00000000 00000000 %5u        0 %lu %u 0000000000000000\n",
                    line.state, line.sending, line.receiving, item.user, item.inode, item.ref_count());
        });
    });
    return {};
}

}  // namespace

Result<void> show_net_tcp(const Subject& s, Text& out) { return show_sockets<inet::kTcp, false>(s, out); }
Result<void> show_net_tcp6(const Subject& s, Text& out) { return show_sockets<inet::kTcp, true>(s, out); }
Result<void> show_net_udp(const Subject& s, Text& out) { return show_sockets<inet::kUdp, false>(s, out); }
Result<void> show_net_udp6(const Subject& s, Text& out) { return show_sockets<inet::kUdp, true>(s, out); }

Result<void> show_net_dev(const Subject&, Text& out) {
    net::start_network();
    out.append(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo "
        "colls "
        "carrier compressed\n");
    net::with_stack([&out](Stack& stack) {
        for (const NetLink* link : stack.links()) {
            auto one = [&out](const inet::LinkCounters& c) {
                out.add("%8lu %7lu %4lu %4lu    0", c.bytes, c.packets, c.errors, c.dropped);
            };
            out.add("%6s: ", link->name);
            one(link->received);
            out.append("     0          0         0 ");
            one(link->sent);
            out.append("     0       0          0\n");
        }
    });
    return {};
}

Result<void> show_net_route(const Subject&, Text& out) {
    net::start_network();
    out.append("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
    net::with_stack([&out](Stack& stack) {
        constexpr u32 kUp = 1, kGateway = 2;
        for (const inet::Route& route : stack.routes.all()) {
            if (!route.destination.is_v4() || route.link->loopback) continue;
            const bool direct = route.gateway == IpAddress{};
            const u32 mask = route.prefix ? ~u32{0} << (32 - route.prefix) : 0;
            out.add("%s\t%08X\t%08X\t%04X\t0\t0\t0\t%08X\t0\t0\t0\n", route.link->name,
                    in_memory(route.destination) & __builtin_bswap32(mask),
                    direct ? 0 : in_memory(route.gateway), direct ? kUp : kUp | kGateway,
                    __builtin_bswap32(mask));
        }
    });
    return {};
}

Result<void> show_net_arp(const Subject&, Text& out) {
    out.append("IP address       HW type     Flags       HW address            Mask     Device\n");
    net::with_stack([&out](Stack& stack) {
        using State = inet::Neighbours::State;
        for (const inet::Neighbours::Entry& entry : stack.neighbours.all()) {
            if (entry.state == State::Unused || !entry.address.is_v4()) continue;
            const u32 a = entry.address.v4();
            char name[16];
            format_to(name, sizeof name, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
            const u8* m = entry.mac.bytes;
            out.add("%-16s 0x1         0x%x         %02x:%02x:%02x:%02x:%02x:%02x     *        %s\n", name,
                    entry.state == State::Reachable ? 2 : 0, m[0], m[1], m[2], m[3], m[4], m[5],
                    entry.link->name);
        }
    });
    return {};
}

Result<void> show_net_if_inet6(const Subject&, Text& out) {
    net::with_stack([&out](Stack& stack) {
        constexpr u32 kHostScope = 0x10, kLinkScope = 0x20, kPermanent = 0x80;
        for (const NetLink* link : stack.links())
            for (const inet::LinkAddress& own : link->addresses) {
                if (own.address.is_v4()) continue;
                for (u8 byte : own.address.bytes) out.add("%02x", byte);
                const u32 scope = own.address.is_loopback()     ? kHostScope
                                  : own.address.is_link_local() ? kLinkScope
                                                                : 0;
                out.add(" %02x %02x %02x %02x %8s\n", link->index, own.prefix, scope, kPermanent, link->name);
            }
    });
    return {};
}

}  // namespace astra::fs::procfs
