// The machine's TCP/IP stack: one engine, its lock, its timer and its links.
#pragma once
#include "guest_kernel/net/stack/stack.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::net {

/// The engine, locked. What was sent to this machine arrives, and the timer is set, when the guard goes.
class StackGuard {
  public:
    StackGuard();
    ~StackGuard();
    StackGuard(const StackGuard&) = delete;
    inet::Stack* operator->() const { return &*stack_; }
    inet::Stack& operator*() const { return *stack_; }

  private:
    sched::SpinLocked<inet::Stack, sched::Rank::Network>::Guard stack_;
};

/// Does `body(stack)` with the stack locked. It must not sleep.
template <class Body>
decltype(auto) with_stack(Body&& body) {
    StackGuard stack;
    return body(*stack);
}

/// Brings the loopback up. Once, before any socket is made. Errors: ENOMEM.
Result<void> init_network();

/// Tells programs which name server there is (astra.dns): in /etc/resolv.conf, unless the image has one. Once
/// the root is mounted.
void provide_resolver();

/// Waits, for a moment, until the other hosts have all that programs sent them: what the machine's last
/// program said to somebody is not to be lost because it then ended.
void drain_network();

/// Brings the network device up, the first time it is called: programs that use no network do not pay for it.
/// Does nothing when there is none. May sleep.
void start_network();

}  // namespace astra::net
