// Sockets: making, naming, connecting, shutting down, options.
#include <algorithm>

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/net/inet/tcp_socket.hpp"
#include "guest_kernel/net/inet/udp_socket.hpp"
#include "guest_kernel/net/netlink/socket.hpp"
#include "guest_kernel/net/unix/socket.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/descriptors.hpp"
#include "guest_kernel/syscalls/sockets.hpp"

namespace astra::syscalls {

namespace {

using net::Address;
using net::Socket;

constexpr u32 kMaxBacklog = 4096;  // net.core.somaxconn
constexpr usize kMaxOption = 64;   // no option's value is longer

fs::FdTable& table() { return sched::current_process().fds(); }
Result<int> install(Ref<fs::File> file, u32 flags) {
    return table().install(std::move(file), flags & fs::kOCloseOnExec,
                           sched::current_process().limit(sched::kLimitFiles));
}

/// One kind of socket that socket(2) makes.
struct Kind {
    int domain, type;
    int protocol;  // the one it stands for; 0 in the call means the first row of a domain and type
    Result<Ref<Socket>> (*create)(int domain);
};
template <net::SocketType kType>
Result<Ref<Socket>> make_unix(int) {
    return Ref<Socket>(TRY(net::UnixSocket::create(kType)));
}
Result<Ref<Socket>> make_tcp(int domain) {
    return Ref<Socket>(TRY(net::TcpSocket::create(static_cast<net::Family>(domain))));
}
template <inet::Protocol kProtocol>
Result<Ref<Socket>> make_datagram(int domain) {
    return Ref<Socket>(TRY(net::UdpSocket::create(static_cast<net::Family>(domain), kProtocol)));
}
Result<Ref<Socket>> make_netlink(int) { return Ref<Socket>(TRY(net::NetlinkSocket::create())); }
constexpr Kind kKinds[] = {
    {net::kUnixFamily, net::kStream, net::kUnixFamily, make_unix<net::kStream>},
    {net::kUnixFamily, net::kDatagram, net::kUnixFamily, make_unix<net::kDatagram>},
    {net::kUnixFamily, net::kRaw, net::kUnixFamily, make_unix<net::kDatagram>},
    {net::kUnixFamily, net::kSeqPacket, net::kUnixFamily, make_unix<net::kSeqPacket>},
    {net::kInet, net::kStream, inet::kTcp, make_tcp},
    {net::kInet, net::kDatagram, inet::kUdp, make_datagram<inet::kUdp>},
    {net::kInet, net::kDatagram, inet::kIcmp, make_datagram<inet::kIcmp>},
    {net::kInet6, net::kStream, inet::kTcp, make_tcp},
    {net::kInet6, net::kDatagram, inet::kUdp, make_datagram<inet::kUdp>},
    {net::kInet6, net::kDatagram, inet::kIcmpV6, make_datagram<inet::kIcmpV6>},
    {net::kNetlink, net::kRaw, 0, make_netlink},
    {net::kNetlink, net::kDatagram, 0, make_netlink},
};

/// What socket(2) and socketpair(2) are given, checked. SOCK_NONBLOCK and SOCK_CLOEXEC are O_*'s values.
struct Wanted {
    const Kind* kind;
    u32 flags;
};
Result<Wanted> check(int domain, int type, int protocol) {
    constexpr u32 kTypeBits = 0xf, kTypes = 11;  // SOCK_TYPE_MASK, SOCK_MAX
    u32 flags = static_cast<u32>(type) & ~kTypeBits, number = static_cast<u32>(type) & kTypeBits;
    if (flags & ~(fs::kONonblock | fs::kOCloseOnExec)) return fail(Errno::kEINVAL);
    if (domain < 0) return fail(Errno::kEAFNOSUPPORT);
    if (number >= kTypes) return fail(Errno::kEINVAL);
    bool has_domain = false, has_type = false, has_protocol = false;
    for (const Kind& kind : kKinds) {
        if (kind.domain != domain) continue;
        has_domain = true;
        has_type |= kind.type == static_cast<int>(number);
        has_protocol |= kind.protocol == protocol;
        if (kind.type == static_cast<int>(number) && (protocol == 0 || kind.protocol == protocol))
            return Wanted{&kind, flags};
    }
    if (!has_domain) return fail(Errno::kEAFNOSUPPORT);
    // Unix sockets look at the protocol first (net/unix/af_unix.c), the Internet's at the type.
    if (domain == net::kUnixFamily && protocol != 0 && !has_protocol) return fail(Errno::kEPROTONOSUPPORT);
    return fail(has_type ? Errno::kEPROTONOSUPPORT : Errno::kESOCKTNOSUPPORT);
}

}  // namespace

Result<Ref<Socket>> socket_of(int fd) { return net::as_socket(TRY(table().get(fd))); }

Result<Address> read_address(In<u8> from, int length) {
    Address address;
    if (length < 0 || static_cast<usize>(length) > sizeof address.bytes) return fail(Errno::kEINVAL);
    address.length = static_cast<usize>(length);
    TRY(mm::read_array(from, std::span<u8>(address.bytes, address.length)));
    return address;
}

Result<void> write_address(Out<u8> to, usize capacity, const Address& address) {
    return mm::write_array(to, std::span<const u8>(address.bytes, std::min(capacity, address.length)));
}

Result<void> answer_address(Out<u8> to, InOut<int> length, const Address& address) {
    if (to.is_null()) return {};
    int room = TRY(mm::read(length));
    if (room < 0) return fail(Errno::kEINVAL);
    TRY(write_address(to, static_cast<usize>(room), address));
    return mm::write(length, static_cast<int>(address.length));
}

SyscallResult sys_socket(int domain, int type, int protocol) {
    Wanted wanted = TRY(check(domain, type, protocol));
    Ref<Socket> socket = TRY(wanted.kind->create(domain));
    socket->flags |= wanted.flags & fs::kONonblock;
    return TRY(install(std::move(socket), wanted.flags));
}

SyscallResult sys_socketpair(int domain, int type, int protocol, Out<int> fds) {
    Wanted wanted = TRY(check(domain, type, protocol));
    if (domain != net::kUnixFamily) return fail(Errno::kENOTSUP);
    auto kind =
        static_cast<net::SocketType>(wanted.kind->type == net::kRaw ? net::kDatagram : wanted.kind->type);
    net::UnixSocket::Pair pair = TRY(net::UnixSocket::create_pair(kind));
    pair.first->flags |= wanted.flags & fs::kONonblock;
    pair.second->flags |= wanted.flags & fs::kONonblock;
    TRY(install_pair(std::move(pair.first), std::move(pair.second), wanted.flags, fds));
    return 0;
}

SyscallResult sys_bind(int fd, In<u8> addr, int addrlen) {
    Ref<Socket> socket = TRY(socket_of(fd));
    TRY(socket->bind(TRY(read_address(addr, addrlen))));
    return 0;
}

SyscallResult sys_connect(int fd, In<u8> addr, int addrlen) {
    Ref<Socket> socket = TRY(socket_of(fd));
    TRY(socket->connect(TRY(read_address(addr, addrlen))));
    return 0;
}

SyscallResult sys_listen(int fd, int backlog) {
    TRY(TRY(socket_of(fd))->listen(std::min(static_cast<u32>(backlog), kMaxBacklog)));
    return 0;
}

SyscallResult sys_accept4(int fd, Out<u8> addr, InOut<int> addrlen, int flags) {
    u32 bits = static_cast<u32>(flags);
    if (bits & ~(fs::kONonblock | fs::kOCloseOnExec)) return fail(Errno::kEINVAL);
    Ref<Socket> listener = TRY(socket_of(fd));
    // Without room for its descriptor the connection stays in the queue.
    TRY(table().check_room(sched::current_process().limit(sched::kLimitFiles)));
    Ref<Socket> accepted = TRY(listener->accept());
    accepted->flags |= bits & fs::kONonblock;
    if (!addr.is_null()) TRY(answer_address(addr, addrlen, TRY(accepted->peer_name())));
    return TRY(install(std::move(accepted), bits));
}

SyscallResult sys_accept(int fd, Out<u8> addr, InOut<int> addrlen) {
    return sys_accept4(fd, addr, addrlen, 0);
}

SyscallResult sys_shutdown(int fd, int how) {
    // SHUT_RD, SHUT_WR, SHUT_RDWR are one less than the bits they end.
    Ref<Socket> socket = TRY(socket_of(fd));
    if (how < 0 || how > 2) return fail(Errno::kEINVAL);
    TRY(socket->shutdown(static_cast<u32>(how) + 1));
    return 0;
}

SyscallResult sys_getsockname(int fd, Out<u8> addr, InOut<int> addrlen) {
    Address name = TRY(TRY(socket_of(fd))->name());
    if (addr.is_null()) return fail(Errno::kEFAULT);
    TRY(answer_address(addr, addrlen, name));
    return 0;
}

SyscallResult sys_getpeername(int fd, Out<u8> addr, InOut<int> addrlen) {
    Address name = TRY(TRY(socket_of(fd))->peer_name());
    if (addr.is_null()) return fail(Errno::kEFAULT);
    TRY(answer_address(addr, addrlen, name));
    return 0;
}

SyscallResult sys_setsockopt(int fd, int level, int option, In<u8> value, int length) {
    if (length < 0) return fail(Errno::kEINVAL);
    Ref<Socket> socket = TRY(socket_of(fd));
    u8 bytes[kMaxOption];
    std::span<u8> given(bytes, std::min(static_cast<usize>(length), kMaxOption));
    TRY(mm::read_array(value, given));
    TRY(socket->set_option(level, option, given));
    return 0;
}

SyscallResult sys_getsockopt(int fd, int level, int option, Out<u8> value, InOut<int> length) {
    Ref<Socket> socket = TRY(socket_of(fd));
    int room = TRY(mm::read(length));
    if (room < 0) return fail(Errno::kEINVAL);
    u8 bytes[kMaxOption];
    usize size =
        TRY(socket->get_option(level, option, {bytes, std::min(static_cast<usize>(room), kMaxOption)}));
    TRY(mm::write_array(value, std::span<const u8>(bytes, size)));
    TRY(mm::write(length, static_cast<int>(size)));
    return 0;
}

}  // namespace astra::syscalls
