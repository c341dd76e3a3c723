// What the socket calls share: descriptors and addresses as programs pass them.
#pragma once
#include "guest_kernel/net/socket.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

/// The socket behind a descriptor. Errors: EBADF, ENOTSOCK.
Result<Ref<net::Socket>> socket_of(int fd);
/// An address of the program; length 0: none. Errors: EINVAL, EFAULT.
Result<net::Address> read_address(In<u8> from, int length);
/// Writes an address, cut to `capacity` bytes. Errors: EFAULT.
Result<void> write_address(Out<u8> to, usize capacity, const net::Address& address);
/// The same for calls whose length argument says the room and gets the whole length; null: not wanted.
/// Errors: EINVAL, EFAULT.
Result<void> answer_address(Out<u8> to, InOut<int> length, const net::Address& address);

}  // namespace astra::syscalls
