// What TCP and UDP sockets share.
#include "guest_kernel/net/inet/inet_socket.hpp"

#include <algorithm>

#include "guest_kernel/sched/process.hpp"

namespace astra::net {

namespace {

using inet::Endpoint;
using inet::IpAddress;

// struct sockaddr_in and sockaddr_in6 (linux/in.h, linux/in6.h).
constexpr usize kPortAt = 2, kAddressAt = 4, kAddress6At = 8;
constexpr usize kInetBytes = 16, kInet6MinBytes = 24, kInet6Bytes = 28;
constexpr u32 kUnprivilegedPorts = 1024;
constexpr int kDefaultTtl = 64;

}  // namespace

Result<Endpoint> endpoint_of(const Address& address, Family family) {
    if (address.length < sizeof(u16)) return fail(Errno::kEINVAL);
    const u16 given = address.family();
    if (family == kInet && address.length < kInetBytes) return fail(Errno::kEINVAL);
    if (family == kInet && given != kInet) return fail(Errno::kEAFNOSUPPORT);
    if (given == kInet) {
        if (address.length < kInetBytes) return fail(Errno::kEINVAL);
        return Endpoint{IpAddress::v4(inet::load32(address.bytes + kAddressAt)),
                        inet::load16(address.bytes + kPortAt)};
    }
    if (given != kInet6) return fail(Errno::kEAFNOSUPPORT);
    if (address.length < kInet6MinBytes) return fail(Errno::kEINVAL);
    return Endpoint{IpAddress::v6(address.bytes + kAddress6At), inet::load16(address.bytes + kPortAt)};
}

Address address_of(const Endpoint& endpoint, Family family) {
    Address out;
    out.bytes[0] = static_cast<u8>(family);
    inet::store16(out.bytes + kPortAt, endpoint.port);
    if (family == kInet) {
        inet::store32(out.bytes + kAddressAt, endpoint.address.v4());
        out.length = kInetBytes;
    } else {
        __builtin_memcpy(out.bytes + kAddress6At, endpoint.address.bytes, sizeof endpoint.address.bytes);
        out.length = kInet6Bytes;
    }
    return out;
}

Endpoint destination_of(Endpoint endpoint) {
    if (endpoint.address.is_unspecified())
        endpoint.address = endpoint.address.is_v4() ? IpAddress::v4(0x7f00'0001) : IpAddress::v6_loopback();
    return endpoint;
}

InetSocket::InetSocket(Family family, u32 send_buffer, u32 receive_buffer)
    : Socket(send_buffer, receive_buffer),
      family_(family),
      user_(sched::current_process().credentials().euid) {}

Result<void> InetSocket::may_bind(u16 port) {
    if (port == 0 || port >= kUnprivilegedPorts || sched::current_process().credentials().is_privileged())
        return {};
    return fail(Errno::kEACCES);
}

Result<void> InetSocket::bind(const Address& address) {
    Address given = address;
    // AF_UNSPEC with no address means AF_INET's any, for old programs.
    if (family() == kInet && given.length >= kInetBytes && given.family() == kUnspecified &&
        inet::load32(given.bytes + kAddressAt) == 0)
        given.bytes[0] = kInet;
    if (family() == kInet6 && given.length >= sizeof(u16) && given.family() != kInet6)
        return fail(Errno::kEAFNOSUPPORT);
    Endpoint wanted = TRY(endpoint_of(given, family()));
    if (only_ipv6_ && wanted.address.is_v4()) return fail(Errno::kEINVAL);
    TRY(may_bind(wanted.port));
    return with_stack([&](inet::Stack& stack) -> Result<void> {
        if (!stack.can_bind(wanted.address)) return fail(Errno::kEADDRNOTAVAIL);
        inet::Bound& item = bound();
        if (item.local.port != 0 || item.listening()) return fail(Errno::kEINVAL);
        apply();
        return stack.ports.bind(item, wanted, stack.random32());
    });
}

Result<Address> InetSocket::name() {
    Endpoint local = with_stack([this](inet::Stack&) { return bound().local; });
    return address_of(local, family());
}

void InetSocket::apply() {
    inet::Bound& item = bound();
    item.observer = this;
    item.reuse_address = has(kReuseAddress);
    item.reuse_port = has(kReusePort);
    item.ipv6 = family() == kInet6;
    item.only_ipv6 = only_ipv6_;
    item.inode = number();
    item.ttl = static_cast<u8>(ttl_ < 0 ? kDefaultTtl : ttl_);
    item.traffic_class = static_cast<u8>(traffic_class_);
    item.user = user_;
}

void InetSocket::changed(u32 changes) {
    u32 bits = 0;
    if (changes & (inet::kReadableChange | inet::kUrgentChange)) bits |= fs::kPollReadable | fs::kPollPri;
    if (changes & inet::kWritableChange) bits |= fs::kPollWritable;
    if (changes & inet::kStateChange) bits = 0;  // anything
    if (changes != inet::kWritableChange) readable_.wake_all(bits);
    if (changes != inet::kReadableChange) writable_.wake_all(bits);
    pollers_.wake(bits);
}

u32 InetSocket::poll(sched::WaitQueue** queue) {
    if (queue) *queue = &pollers_;
    return with_stack([this](inet::Stack&) { return events(); });
}

}  // namespace astra::net
