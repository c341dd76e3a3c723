// Names of Unix sockets: paths of socket inodes, and abstract ones (unix(7)).
#pragma once
#include "guest_kernel/fs/inode.hpp"
#include "guest_kernel/net/socket.hpp"

namespace astra::net {

class Endpoint;

/// A bound name. Shared by the socket it was given to, those accepted from it, and messages it sent; only the
/// first is found by it, until forget().
class UnixName final : public RefCounted {
  public:
    Address address;
    Ref<fs::Inode> inode;  // null: abstract

    // Guarded by the lock of all names.
    ListNode node;
    Endpoint* owner = nullptr;
};

/// Makes a name from bind(2)'s address, with a socket inode for a path. Not to be found yet. A bare family
/// asks for some free abstract name. Errors: EINVAL, EADDRINUSE and those of mknod(2).
Result<Ref<UnixName>> make_name(const Address& address, SocketType type);
/// Lets `owner`, which must forget() before it ends, be found by `name`. Errors: EADDRINUSE.
Result<void> publish(UnixName& name, Endpoint& owner);
/// Undoes publish; nothing when `name` is another's.
void forget(UnixName& name, Endpoint& owner);
/// The socket an address names, which for an abstract name is one of that type. Errors: EINVAL, ECONNREFUSED
/// (nobody has it), EACCES and those of a path walk.
Result<Ref<Endpoint>> find_endpoint(const Address& address, SocketType type);

/// What names a socket without a name: the family alone.
Address unnamed();

}  // namespace astra::net
