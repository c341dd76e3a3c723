// An eventfd(2): how threads and KVM wake the device thread.
#pragma once
#include <sys/eventfd.h>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {

class EventFd {
  public:
    [[nodiscard]] static Result<EventFd> create() {
        Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!fd.valid()) return fail_errno("eventfd");
        return EventFd(std::move(fd));
    }
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Makes the descriptor readable. From any thread or signal handler; never blocks (a full counter is
    /// readable).
    void signal() const { (void)::eventfd_write(fd_.get(), 1); }
    /// Takes what was signalled; it is not readable any more.
    void drain() const {
        eventfd_t count;
        (void)::eventfd_read(fd_.get(), &count);
    }

  private:
    explicit EventFd(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

}  // namespace astra::vmm
