// What TCP and UDP sockets share: addresses as programs write them, readiness, options.
#pragma once
#include "guest_kernel/net/inet/network.hpp"
#include "guest_kernel/net/socket.hpp"
#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::net {

/// The endpoint a sockaddr_in or sockaddr_in6 names, for a socket of `family`. Errors: EINVAL (too short),
/// EAFNOSUPPORT.
Result<inet::Endpoint> endpoint_of(const Address& address, Family family);
/// An endpoint as sockaddr_in or sockaddr_in6.
Address address_of(const inet::Endpoint& endpoint, Family family);
/// Whom a program means by an unspecified address: this machine.
inet::Endpoint destination_of(inet::Endpoint endpoint);

class InetSocket : public Socket, public inet::Observer {
  public:
    [[nodiscard]] Family family() const override { return family_; }
    Result<void> bind(const Address& address) override;
    Result<Address> name() override;
    Result<void> set_option(int level, int option, std::span<const u8> value) override;
    Result<usize> get_option(int level, int option, std::span<u8> value) override;
    Result<i64> ioctl(u32 request, u64 argument) override;
    u32 poll(sched::WaitQueue** queue) override;
    /// With the stack locked.
    void changed(u32 changes) override;

  protected:
    /// Made by the current process, without locks.
    InetSocket(Family family, u32 send_buffer, u32 receive_buffer);
    /// What has the address now. The stack is locked.
    [[nodiscard]] virtual inet::Bound& bound() = 0;
    /// Poll bits. The stack is locked.
    [[nodiscard]] virtual u32 events() = 0;
    /// The socket's options as the engine has them; called after one has changed. The stack is locked.
    virtual void apply();
    /// Values of FIONREAD and SIOCOUTQ. The stack is locked.
    [[nodiscard]] virtual Result<usize> readable_bytes() = 0;
    [[nodiscard]] virtual usize unsent_bytes() = 0;
    [[nodiscard]] abi::UCred peer_credentials() override { return {0, ~0u, ~0u}; }
    /// SIOCATMARK's value: is what is read next behind the urgent mark? The stack is locked.
    [[nodiscard]] virtual bool at_mark() const { return false; }
    /// Options of IPPROTO_TCP; UDP has none.
    virtual Result<void> set_protocol_option(int option, std::span<const u8> value);
    virtual Result<usize> get_protocol_option(int option, std::span<u8> value);
    /// May the caller take this port? Errors: EACCES. Ports below 1024 are root's
    /// (net.ipv4.ip_unprivileged_port_start).
    static Result<void> may_bind(u16 port);

    sched::WaitQueue readable_, writable_, pollers_;
    struct Reading {};
    /// Held by who receives: what is first in line stays there until they take it.
    sched::MutexLocked<Reading, sched::Rank::Pipe> reading_;
    bool only_ipv6_ = false, receive_errors_ = false;
    int ttl_ = -1, traffic_class_ = 0;  // IP_TTL, IP_TOS; -1: the default

  private:
    const Family family_;
    const u32 user_;  // who made it
};

}  // namespace astra::net
