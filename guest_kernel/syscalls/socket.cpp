// Sockets: making, naming, connecting, shutting down, options.
#include <algorithm>

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/net/unix/socket.hpp"
#include "guest_kernel/sched/process.hpp"
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

/// What socket(2) and socketpair(2) are given, checked. SOCK_NONBLOCK and SOCK_CLOEXEC are O_*'s values.
struct Wanted {
    net::SocketType type;
    u32 flags;
};
Result<Wanted> check(int domain, int type, int protocol) {
    constexpr u32 kTypeBits = 0xf, kTypes = 11;  // SOCK_TYPE_MASK, SOCK_MAX
    u32 flags = static_cast<u32>(type) & ~kTypeBits, kind = static_cast<u32>(type) & kTypeBits;
    if (flags & ~(fs::kONonblock | fs::kOCloseOnExec)) return fail(Errno::kEINVAL);
    if (domain < 0) return fail(Errno::kEAFNOSUPPORT);
    if (kind >= kTypes) return fail(Errno::kEINVAL);
    if (domain != net::kUnixFamily) return fail(Errno::kEAFNOSUPPORT);
    if (protocol != 0 && protocol != net::kUnixFamily) return fail(Errno::kEPROTONOSUPPORT);
    switch (kind) {
        case net::kStream: return Wanted{net::kStream, flags};
        case net::kSeqPacket: return Wanted{net::kSeqPacket, flags};
        case net::kDatagram:
        case net::kRaw: return Wanted{net::kDatagram, flags};
        default: return fail(Errno::kESOCKTNOSUPPORT);
    }
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
    Ref<net::UnixSocket> socket = TRY(net::UnixSocket::create(wanted.type));
    socket->flags |= wanted.flags & fs::kONonblock;
    return TRY(install(std::move(socket), wanted.flags));
}

SyscallResult sys_socketpair(int domain, int type, int protocol, Out<int> fds) {
    Wanted wanted = TRY(check(domain, type, protocol));
    net::UnixSocket::Pair pair = TRY(net::UnixSocket::create_pair(wanted.type));
    int numbers[2];
    pair.first->flags |= wanted.flags & fs::kONonblock;
    pair.second->flags |= wanted.flags & fs::kONonblock;
    numbers[0] = TRY(install(std::move(pair.first), wanted.flags));
    Result<int> second = install(std::move(pair.second), wanted.flags);
    numbers[1] = second ? *second : -1;
    Result<void> told =
        second ? mm::write_array(fds, std::span<const int>(numbers)) : Result<void>(fail(second.error()));
    if (told) return 0;
    (void)table().close(numbers[0]);
    if (second) (void)table().close(numbers[1]);
    return fail(told.error());
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
    Ref<Socket> accepted = TRY(TRY(socket_of(fd))->accept());
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
