// The device thread's loop: epoll(7) over descriptors, a callback each.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {

/// Used by one thread. Callbacks run there, one at a time, with no lock held.
class EventLoop {
  public:
    using Callback = std::function<void(u32 events)>;

    [[nodiscard]] static Result<EventLoop> create();

    /// Calls `callback` with the EPOLL* bits of `fd` when any of `events` (or an error) is there, as long as
    /// `fd` is open. False when `fd` is of a kind that is always ready (a regular file): then it is not
    /// watched.
    [[nodiscard]] Result<bool> add(int fd, u32 events, Callback callback);
    /// Waits up to `timeout_ms` (-1: for ever) and runs the callbacks of what is ready. How many were.
    [[nodiscard]] Result<usize> dispatch(int timeout_ms);

  private:
    explicit EventLoop(Fd epoll) : epoll_(std::move(epoll)) {}
    Fd epoll_;
    std::vector<std::unique_ptr<Callback>> callbacks_;  // their addresses are epoll's data
};

}  // namespace astra::vmm
