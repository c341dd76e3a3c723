// Netlink sockets of NETLINK_ROUTE (netlink(7), rtnetlink(7)): questions about links, addresses and routes.
#pragma once
#include "guest_kernel/net/socket.hpp"

namespace astra::net {

class NetlinkSocket final : public Socket {
  public:
    static Result<Ref<NetlinkSocket>> create();
    [[nodiscard]] Family family() const override { return kNetlink; }
    [[nodiscard]] SocketType type() const override { return kRaw; }
    /// Requests; the answers are there when it returns.
    Result<usize> send(Outgoing& message) override;
    Result<usize> receive(Incoming& message) override;
    Result<void> bind(const Address& address) override;
    Result<void> connect(const Address& address) override;
    Result<void> shutdown(u32) override { return fail(Errno::kENOTSUP); }
    Result<Address> name() override;
    Result<Address> peer_name() override;
    u32 poll(sched::WaitQueue** queue) override;

  protected:
    int take_error() override { return 0; }
    [[nodiscard]] abi::UCred peer_credentials() override { return {0, ~0u, ~0u}; }

  private:
    /// Answers that wait, each a datagram.
    struct Answers {
        Vector<Vector<u8>> waiting;
    };
    sched::MutexLocked<Answers, sched::Rank::Pipe> answers_;
    std::atomic<usize> count_{0};
    std::atomic<u32> port_{0};  // nl_pid; 0: not bound yet
    sched::WaitQueue readable_, pollers_;
};

}  // namespace astra::net
