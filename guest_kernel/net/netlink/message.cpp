// Rtnetlink's answers about links, addresses and routes (linux/rtnetlink.h, linux/if_link.h,
// linux/if_addr.h).
#include "guest_kernel/net/netlink/message.hpp"

#include "guest_kernel/net/inet/network.hpp"

namespace astra::net::netlink {

namespace {

using inet::IpAddress;
using inet::Link;
using inet::Stack;

struct LinkMessage {  // struct ifinfomsg
    u8 family, pad;
    u16 type;
    i32 index;
    u32 flags, change;
};
struct AddressMessage {  // struct ifaddrmsg
    u8 family, prefix, flags, scope;
    u32 index;
};
struct RouteMessage {  // struct rtmsg
    u8 family, destination_length, source_length, tos, table, protocol, scope, type;
    u32 flags;
};
struct ErrorMessage {  // struct nlmsgerr
    i32 error;
    Header request;
};

constexpr u8 kInetFamily = 2, kInet6Family = 10;
constexpr u16 kEthernet = 1, kLoopbackType = 772;  // ARPHRD_*
constexpr u32 kUp = 1, kBroadcastFlag = 2, kLoopback = 8, kRunning = 0x40, kMulticast = 0x1000,
              kLowerUp = 0x10000;  // IFF_*
constexpr u16 kLinkAddress = 1, kLinkBroadcast = 2, kLinkName = 3, kLinkMtu = 4, kLinkQueue = 13,
              kLinkState = 16;                                                          // IFLA_*
constexpr u16 kAddress = 1, kLocal = 2, kLabel = 3, kBroadcast = 4, kAddressFlags = 8;  // IFA_*
constexpr u16 kDestination = 1, kOutput = 4, kGateway = 5, kSource = 7, kTable = 15;    // RTA_*
constexpr u8 kScopeUniverse = 0, kScopeLink = 253, kScopeHost = 254;
constexpr u8 kMainTable = 254, kKernelProtocol = 2, kBootProtocol = 3, kUnicast = 1;
constexpr u32 kPermanent = 0x80;

u8 family_of(const IpAddress& address) { return address.is_v4() ? kInetFamily : kInet6Family; }
void put_address(Writer& out, u16 type, const IpAddress& address) {
    if (address.is_v4())
        out.attribute(type, address.bytes + 12, 4);
    else
        out.attribute(type, address.bytes, 16);
}
usize name_bytes(const Link& link) { return std::string_view(link.name).size() + 1; }

void put_link(Writer& out, const Link& link, u16 flags) {
    out.begin(kNewLink, flags);
    out.put(LinkMessage{0, 0, link.loopback ? kLoopbackType : kEthernet, static_cast<i32>(link.index),
                        kUp | kRunning | kLowerUp | (link.loopback ? kLoopback : kBroadcastFlag | kMulticast),
                        0});
    out.attribute(kLinkName, link.name, name_bytes(link));
    out.attribute(kLinkMtu, link.mtu);
    out.attribute(kLinkQueue, u32{1000});
    out.attribute(kLinkState, link.loopback ? u8{0} : u8{6});  // unknown, up
    out.attribute(kLinkAddress, link.mac);
    out.attribute(kLinkBroadcast, link.loopback ? inet::MacAddress{} : inet::MacAddress::broadcast());
    out.end();
}

void put_addresses(Writer& out, const Link& link, u8 family, u16 flags) {
    for (const inet::LinkAddress& own : link.addresses) {
        if (family && family_of(own.address) != family) continue;
        const u8 scope = own.address.is_loopback()     ? kScopeHost
                         : own.address.is_link_local() ? kScopeLink
                                                       : kScopeUniverse;
        out.begin(kNewAddress, flags);
        out.put(AddressMessage{family_of(own.address), static_cast<u8>(own.prefix), kPermanent, scope,
                               link.index});
        put_address(out, kAddress, own.address);
        if (own.address.is_v4()) {
            put_address(out, kLocal, own.address);
            if (!link.loopback && own.prefix < 31)
                put_address(out, kBroadcast, IpAddress::v4(own.address.v4() | ~u32{0} >> own.prefix));
            out.attribute(kLabel, link.name, name_bytes(link));
        }
        out.attribute(kAddressFlags, kPermanent);
        out.end();
    }
}

void put_route(Writer& out, const inet::Route& route, u16 flags) {
    const bool direct = route.gateway == IpAddress{};
    out.begin(kNewRoute, flags);
    out.put(RouteMessage{family_of(route.destination), static_cast<u8>(route.prefix), 0, 0, kMainTable,
                         direct ? kKernelProtocol : kBootProtocol, direct ? kScopeLink : kScopeUniverse,
                         kUnicast, 0});
    out.attribute(kTable, u32{kMainTable});
    if (route.prefix) {
        IpAddress network = route.destination;
        const u32 kept = route.prefix + (network.is_v4() ? 96 : 0);
        for (u32 bit = kept; bit < 128; bit++) network.bytes[bit / 8] &= static_cast<u8>(~(0x80 >> bit % 8));
        put_address(out, kDestination, network);
    }
    if (!direct) put_address(out, kGateway, route.gateway);
    if (direct) put_address(out, kSource, route.link->source_for(route.destination));
    out.attribute(kOutput, route.link->index);
    out.end();
}

void put_error(Writer& out, const Header& request, Errno error) {
    out.begin(kError, 0);
    out.put(ErrorMessage{-static_cast<i32>(error), request});
    out.end();
}

}  // namespace

void Writer::pad() {
    while (bytes_.size() % 4 && !failed_) failed_ = !bytes_.push_back(0);
}

void Writer::begin(u16 type, u16 flags) {
    pad();
    start_ = bytes_.size();
    put(Header{0, type, flags, sequence_, port_});
}

void Writer::end() {
    if (failed_) return;
    const u32 length = static_cast<u32>(bytes_.size() - start_);
    __builtin_memcpy(bytes_.data() + start_, &length, sizeof length);
    pad();
}

void Writer::put(const void* bytes, usize size) {
    failed_ |= !bytes_.append({static_cast<const u8*>(bytes), size});
}

void Writer::attribute(u16 type, const void* bytes, usize size) {
    pad();
    put(static_cast<u16>(4 + size));
    put(type);
    put(bytes, size);
    pad();
}

Result<Vector<u8>> Writer::take() {
    if (failed_) return fail(Errno::kENOMEM);
    return std::move(bytes_);
}

Result<Vector<u8>> answer(const Header& request, std::span<const u8> body, u32 port) {
    Writer out(request.sequence, port);
    const bool dump = request.flags & kDump;
    const u16 flags = dump ? u16{kMulti} : u16{0};
    const u8 family = body.empty() ? u8{0} : body[0];
    with_stack([&](Stack& stack) {
        if (request.type == kGetLink && !dump) {
            LinkMessage asked{};
            if (body.size() >= sizeof asked) __builtin_memcpy(&asked, body.data(), sizeof asked);
            const Link* link = stack.link_at(static_cast<u32>(asked.index));
            return link ? put_link(out, *link, flags) : put_error(out, request, Errno::kENODEV);
        }
        if (!dump && request.flags & kAck)
            return put_error(out, request, Errno::kEPERM);  // nothing can be changed
        if (!dump) return put_error(out, request, Errno::kENOTSUP);
        switch (request.type) {
            case kGetLink:
                for (const Link* link : stack.links()) put_link(out, *link, flags);
                break;
            case kGetAddress:
                for (const Link* link : stack.links()) put_addresses(out, *link, family, flags);
                break;
            case kGetRoute:
                for (const inet::Route& route : stack.routes.all())
                    if (!route.link->loopback && (!family || family_of(route.destination) == family))
                        put_route(out, route, flags);
                break;
            default: return put_error(out, request, Errno::kENOTSUP);
        }
        out.begin(kDone, flags);
        out.put(i32{0});
        out.end();
    });
    return out.take();
}

}  // namespace astra::net::netlink
