// What has a transport address: the part that sockets of every protocol share, and the table that finds them.
#pragma once
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/net/stack/packet.hpp"

namespace astra::inet {

/// What somebody who waits may be told. Called with the stack locked.
enum Change : u32 { kReadableChange = 1, kWritableChange = 2, kStateChange = 4, kUrgentChange = 8 };
struct Observer {
    virtual void changed(u32 changes) = 0;

  protected:
    ~Observer() = default;
};

/// Something with a local address, and maybe a remote one.
class Bound : public RefCounted {
  public:
    explicit Bound(u8 protocol) : protocol(protocol) {}
    const u8 protocol;
    Endpoint local{}, remote{};  // port 0: none yet
    bool reuse_address = false, reuse_port = false;
    bool ipv6 = false, only_ipv6 = false;  // of an AF_INET6 socket, that takes IPv6 alone
    u32 link = 0;                          // the one link it uses; 0: any
    u8 ttl = 64, traffic_class = 0;
    Observer* observer = nullptr;
    u32 user = 0;   // who made it, for /proc/net
    u64 inode = 0;  // its socket's number there

    /// May nobody else have an address that overlaps, whatever was asked for? (TCP listeners.)
    [[nodiscard]] virtual bool listening() const { return false; }
    [[nodiscard]] bool connected() const { return remote.port != 0; }
    /// The network says that packets to the peer do not arrive. `mtu`: what would fit, when that is the
    /// reason.
    virtual void on_unreachable(Errno error, u32 mtu) { (void)error, (void)mtu; }

    ListNode port_node, flow_node;

  protected:
    void notify(u32 changes) {
        if (observer) observer->changed(changes);
    }
};

/// Who has which address. Holds a reference to everything in it.
class Ports {
  public:
    static constexpr u16 kFirstEphemeral = 32768, kLastEphemeral = 60999;  // net.ipv4.ip_local_port_range
    /// Gives `item` the address; port 0: a free one. `random` picks. Errors: EADDRINUSE.
    Result<void> bind(Bound& item, const Endpoint& local, u32 random);
    /// Gives it a peer, and when it is not bound the address `source` and a free port. Errors: EADDRNOTAVAIL
    /// (no port is free), EADDRINUSE (the same connection exists).
    Result<void> connect(Bound& item, const IpAddress& source, const Endpoint& remote, u32 random);
    /// Adds one whose addresses are set, and nobody's (a connection that a listener begets). Errors:
    /// EADDRINUSE.
    Result<void> adopt(Bound& item);
    /// Takes the peer away again.
    void disconnect(Bound& item);
    /// Takes `item` out. Its reference goes with it.
    void remove(Bound& item);

    /// The connected one.
    [[nodiscard]] Bound* find_flow(u8 protocol, const Endpoint& local, const Endpoint& remote);
    /// The best that takes packets to `local` from anybody; with reuse_port `spread` chooses among equals.
    [[nodiscard]] Bound* find_unconnected(u8 protocol, const Endpoint& local, u32 link, u32 spread);
    /// Calls `visit` for every one of a protocol.
    template <class Visit>
    void each(u8 protocol, Visit&& visit) {
        for (PortList& bucket : by_port_)
            for (Bound& item : bucket)
                if (item.protocol == protocol) visit(item);
    }

  private:
    using PortList = List<Bound, &Bound::port_node>;
    using FlowList = List<Bound, &Bound::flow_node>;
    static constexpr usize kBuckets = 512;
    PortList& bucket(u16 port) { return by_port_[port % kBuckets]; }
    FlowList& flow_bucket(const Endpoint& local, const Endpoint& remote);
    [[nodiscard]] bool conflicts(const Bound& item, const Endpoint& local);
    PortList by_port_[kBuckets];
    FlowList by_flow_[kBuckets];
};

}  // namespace astra::inet
