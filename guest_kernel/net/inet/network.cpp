// The machine's TCP/IP stack.
#include "guest_kernel/net/inet/network.hpp"

#include "guest_kernel/drivers/random.hpp"
#include "guest_kernel/net/tcp/connection.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra::net {

namespace {

using inet::IpAddress;
using inet::Stack;

sched::SpinLocked<Stack, sched::Rank::Network> the_stack(random_bytes);

/// Packets to this machine never leave the stack: it takes them back itself.
class Loopback final : public inet::Link {
  public:
    Loopback() {
        loopback = true;
        mtu = 65536;
        checksum_offload = true;
        __builtin_memcpy(name, "lo", 3);
    }
    void transmit(Own<inet::Packet>) override { sent.errors++; }
};
Loopback loopback;

sched::TimerEvent timer;

void on_timer(sched::TimerEvent&) {
    StackGuard stack;  // settling is all there is to do
}

}  // namespace

StackGuard::StackGuard() : stack_(the_stack.lock()) { stack_->enter(arch::now_ns()); }

StackGuard::~StackGuard() {
    const u64 next = stack_->settle();
    // Never disarmed: a fire too many costs less than the other CPU's lock.
    if (next != Stack::kNever && (!timer.armed || next < timer.deadline_ns)) sched::arm(timer, next);
}

void drain_network() {
    constexpr u64 kPatience = 1'000'000'000, kStep = 2'000'000;
    auto unsent = [](Stack& stack) {
        bool found = false;
        stack.ports.each(inet::kTcp, [&](inet::Bound& item) {
            found |= !item.listening() && !stack.is_local(item.remote.address) &&
                     static_cast<inet::tcp::Connection&>(item).has_unsent();
        });
        return found;
    };
    const u64 deadline = arch::now_ns() + kPatience;
    while (arch::now_ns() < deadline && with_stack(unsent))
        (void)sched::sleep_until(arch::now_ns() + kStep, sched::Sleep::Uninterruptible);  // cannot fail so
}

Result<void> init_network() {
    timer.fire = on_timer;
    StackGuard stack;
    TRY(stack->add_link(loopback));
    TRY(stack->add_address(loopback, IpAddress::v4(0x7f00'0001), 8));
    return stack->add_address(loopback, IpAddress::v6_loopback(), 128);
}

}  // namespace astra::net
