// ioctl(2) on sockets: interfaces, and what waits in Internet sockets.
#include "guest_kernel/net/inet/interfaces.hpp"

#include <algorithm>

#include "guest_kernel/net/inet/inet_socket.hpp"

namespace astra::net {

namespace {

using inet::IpAddress;
using inet::Link;

/// struct ifreq (linux/if.h).
struct InterfaceRequest {
    char name[16];
    union {
        u8 address[16];  // struct sockaddr_in
        i16 flags;
        int number;
    } value;
    u8 pad[8];
};
static_assert(sizeof(InterfaceRequest) == 40);
/// struct ifconf
struct InterfaceList {
    int length, pad;
    u64 requests;
};

constexpr i16 kUp = 1, kBroadcast = 2, kLoopback = 8, kRunning = 0x40, kMulticast = 0x1000;  // IFF_*
constexpr u16 kEthernet = 1, kLoopbackType = 772;                                            // ARPHRD_*

void put_address(InterfaceRequest& request, u32 address) {
    Address name = address_of({IpAddress::v4(address), 0}, kInet);
    __builtin_memcpy(request.value.address, name.bytes, sizeof request.value.address);
}

const inet::LinkAddress* address_of_link(const Link& link) {
    for (const inet::LinkAddress& own : link.addresses)
        if (own.address.is_v4()) return &own;
    return nullptr;
}

using Fill = Result<void> (*)(const Link&, InterfaceRequest&);
Result<void> put_flags(const Link& link, InterfaceRequest& r) {
    r.value.flags = link.loopback ? kUp | kLoopback | kRunning : kUp | kBroadcast | kRunning | kMulticast;
    return {};
}
Result<void> put_own_address(const Link& link, InterfaceRequest& r) {
    const inet::LinkAddress* own = address_of_link(link);
    if (!own) return fail(Errno::kEADDRNOTAVAIL);
    put_address(r, own->address.v4());
    return {};
}
Result<void> put_mask(const Link& link, InterfaceRequest& r) {
    const inet::LinkAddress* own = address_of_link(link);
    if (!own) return fail(Errno::kEADDRNOTAVAIL);
    put_address(r, own->prefix ? ~u32{0} << (32 - own->prefix) : 0);
    return {};
}
Result<void> put_broadcast(const Link& link, InterfaceRequest& r) {
    const inet::LinkAddress* own = address_of_link(link);
    if (!own) return fail(Errno::kEADDRNOTAVAIL);
    put_address(r, link.loopback || own->prefix > 30 ? 0 : own->address.v4() | ~u32{0} >> own->prefix);
    return {};
}
Result<void> put_hardware_address(const Link& link, InterfaceRequest& r) {
    r.value.address[0] = static_cast<u8>(link.loopback ? kLoopbackType & 0xff : kEthernet);
    r.value.address[1] = static_cast<u8>(link.loopback ? kLoopbackType >> 8 : 0);
    __builtin_memcpy(r.value.address + 2, link.mac.bytes, sizeof link.mac.bytes);
    return {};
}
template <auto value>
Result<void> put_number(const Link& link, InterfaceRequest& r) {
    r.value.number = static_cast<int>(value(link));
    return {};
}

/// Requests about one interface (linux/sockios.h).
struct Row {
    u32 request;
    Fill fill;
};
constexpr Row kRows[] = {
    {0x8913, put_flags},                                                // SIOCGIFFLAGS
    {0x8915, put_own_address},                                          // SIOCGIFADDR
    {0x8919, put_broadcast},                                            // SIOCGIFBRDADDR
    {0x891b, put_mask},                                                 // SIOCGIFNETMASK
    {0x891d, put_number<[](const Link&) { return 0; }>},                // SIOCGIFMETRIC
    {0x8921, put_number<[](const Link& link) { return link.mtu; }>},    // SIOCGIFMTU
    {0x8927, put_hardware_address},                                     // SIOCGIFHWADDR
    {0x8933, put_number<[](const Link& link) { return link.index; }>},  // SIOCGIFINDEX
    {0x8942, put_number<[](const Link&) { return 1000; }>},             // SIOCGIFTXQLEN
};
constexpr u32 kGetName = 0x8910, kGetList = 0x8912;  // SIOCGIFNAME, SIOCGIFCONF
constexpr u32 kBytesReadable = 0x541b, kBytesUnsent = 0x5411,
              kAtMark = 0x8905;  // SIOCINQ, SIOCOUTQ, SIOCATMARK

Result<void> list_interfaces(UserAddr at) {
    InterfaceList list = TRY(mm::read(abi::InOut<InterfaceList>(at)));
    Vector<InterfaceRequest> found;
    TRY(found.reserve(16));
    with_stack([&found](inet::Stack& stack) {
        for (const Link* link : stack.links()) {
            InterfaceRequest request{};
            __builtin_memcpy(request.name, link->name, sizeof request.name);
            if (found.size() < 16 && put_own_address(*link, request))
                (void)found.push_back(request);  // reserved
        }
    });
    const usize room = list.requests ? static_cast<usize>(std::max(list.length, 0)) / sizeof(InterfaceRequest)
                                     : found.size();
    const usize count = std::min(found.size(), room);
    list.length = static_cast<int>(count * sizeof(InterfaceRequest));
    if (list.requests)
        TRY(mm::write_array(abi::Out<InterfaceRequest>(UserAddr(list.requests)),
                            std::span<const InterfaceRequest>(found.data(), count)));
    return mm::write(abi::InOut<InterfaceList>(at), list);
}

Result<void> ask_interface(u32 number, InterfaceRequest& request) {
    StackGuard stack;
    if (number == kGetName) {
        const Link* link = stack->link_at(static_cast<u32>(request.value.number));
        if (!link) return fail(Errno::kENODEV);
        __builtin_memcpy(request.name, link->name, sizeof request.name);
        return {};
    }
    request.name[sizeof request.name - 1] = 0;
    const Row* row = std::find_if(std::begin(kRows), std::end(kRows),
                                  [number](const Row& r) { return r.request == number; });
    if (row == std::end(kRows)) return fail(Errno::kENOTTY);
    for (const Link* link : stack->links())
        if (std::string_view(link->name) == std::string_view(request.name)) return row->fill(*link, request);
    return fail(Errno::kENODEV);
}

}  // namespace

Result<i64> interface_ioctl(u32 request, u64 argument) {
    if (request >> 8 != 0x89) return fail(Errno::kENOTTY);
    start_network();
    const UserAddr at(argument);
    if (request == kGetList) {
        TRY(list_interfaces(at));
        return 0;
    }
    InterfaceRequest named = TRY(mm::read(abi::InOut<InterfaceRequest>(at)));
    TRY(ask_interface(request, named));
    TRY(mm::write(abi::InOut<InterfaceRequest>(at), named));
    return 0;
}

Result<i64> InetSocket::ioctl(u32 request, u64 argument) {
    const UserAddr at(argument);
    if (request == kBytesReadable || request == kBytesUnsent || request == kAtMark) {
        Result<usize> bytes = with_stack([&](inet::Stack&) -> Result<usize> {
            if (request == kBytesReadable) return readable_bytes();
            return request == kBytesUnsent ? unsent_bytes() : usize{at_mark()};
        });
        TRY(mm::write(abi::Out<int>(at), static_cast<int>(TRY(bytes))));
        return 0;
    }
    return interface_ioctl(request, argument);
}

}  // namespace astra::net
