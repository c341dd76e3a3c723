// DHCP's conversation (RFC 2131, 3.1).
#include "guest_kernel/net/inet/lease.hpp"

#include "guest_kernel/sched/wait_queue.hpp"

namespace astra::net {

namespace {

using inet::IpAddress;
using inet::Stack;
using inet::dhcp::Kind;
using inet::dhcp::Lease;

constexpr u64 kFirstPatience = 1'000'000'000;
constexpr u32 kTries = 4;  // 1, 2, 4 and 8 seconds

struct Arrival final : inet::Observer {
    void changed(u32) override { queue.wake_all(); }
    sched::WaitQueue queue;
};

/// Sends a Discover or, with `offer`, a Request, until there is an answer.
Result<Lease> ask(inet::Link& link, inet::UdpPort& port, Arrival& arrival, u32 transaction,
                  const Lease* offer) {
    u64 patience = kFirstPatience;
    for (u32 i = 0; i < kTries; i++, patience *= 2) {
        Own<inet::Packet> message = TRY(inet::dhcp::compose(link.mac, transaction, offer));
        TRY(with_stack([&](Stack& stack) {
            return stack.send_udp(port, IpAddress::v4(0), {IpAddress::v4(~u32{0}), inet::dhcp::kServerPort},
                                  std::move(message));
        }));
        const u64 deadline = arch::now_ns() + patience;
        for (;;) {
            Own<inet::Packet> answer = with_stack([&port](Stack&) { return port.take(); });
            Lease lease;
            if (answer && inet::dhcp::parse(answer->bytes(), link.mac, transaction, lease)) {
                if (lease.kind == Kind::Nak) return fail(Errno::kEADDRNOTAVAIL);
                if ((lease.kind == Kind::Ack) == (offer != nullptr)) return lease;
            }
            if (answer) continue;
            Result<void> slept = arrival.queue.wait(
                [&port] { return with_stack([&port](Stack&) { return port.first() != nullptr; }); },
                sched::Sleep::Interruptible, deadline);
            if (!slept && slept.error() != Errno::kETIMEDOUT) return fail(slept.error());
            if (!slept) break;
        }
    }
    return fail(Errno::kETIMEDOUT);
}

}  // namespace

Result<Lease> acquire_lease(inet::Link& link) {
    Arrival arrival;
    Ref<inet::UdpPort> port = TRY(make_ref<inet::UdpPort>());
    const u32 transaction = TRY(with_stack([&](Stack& stack) -> Result<u32> {
        port->observer = &arrival;
        port->broadcast = true;
        port->link = link.index;
        TRY(stack.ports.bind(*port, {IpAddress::v4(0), inet::dhcp::kClientPort}, 0));
        return stack.random32();
    }));
    Result<Lease> lease = ask(link, *port, arrival, transaction, nullptr);
    if (lease) {
        const Lease offer = *lease;
        lease = ask(link, *port, arrival, transaction, &offer);
    }
    StackGuard stack;
    port->observer = nullptr;
    stack->ports.remove(*port);
    if (!lease) return lease;
    TRY(stack->add_address(link, lease->address, lease->prefix ? lease->prefix : 24));
    if (!lease->gateway.is_unspecified())
        TRY(stack->routes.add({IpAddress::v4(0), 0, lease->gateway, &link}));
    return lease;
}

}  // namespace astra::net
