// What a run waits for, behind one descriptor that a caller can poll: descriptors with ids, and one deadline.
#pragma once
#include <array>
#include <chrono>
#include <span>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {

class WaitSet {
  public:
    /// The deadline's id in what ready() yields.
    static constexpr u64 kDeadline = ~u64{0};
    struct Event {
        u64 id;
        u32 events;  // EPOLLIN, …
    };

    [[nodiscard]] static Result<WaitSet> create();

    /// Readable while ready() would yield something.
    [[nodiscard]] int fd() const { return epoll_.get(); }
    /// Watches `fd` for `events` under `id`; changes what is watched when it is there already. The set does
    /// not own it: remove() before it is closed.
    [[nodiscard]] Result<void> watch(int fd, u64 id, u32 events);
    void remove(int fd);
    /// Sets, moves or (with zero) cancels the deadline.
    void set_deadline(std::chrono::milliseconds from_now);
    /// What is ready now; at most a handful, the rest next time. The deadline comes once.
    [[nodiscard]] std::span<const Event> ready();

  private:
    WaitSet(Fd epoll, Fd timer) : epoll_(std::move(epoll)), timer_(std::move(timer)) {}
    Fd epoll_, timer_;
    std::array<Event, 8> events_{};
};

}  // namespace astra::vmm
