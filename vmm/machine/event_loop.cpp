// EventLoop: epoll(7).
#include "vmm/machine/event_loop.hpp"

#include <sys/epoll.h>

#include <array>

namespace astra::vmm {

Result<EventLoop> EventLoop::create() {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll.valid()) return fail_errno("epoll_create1");
    return EventLoop(std::move(epoll));
}

Result<bool> EventLoop::add(int fd, u32 events, Callback callback) {
    auto owned = std::make_unique<Callback>(std::move(callback));
    epoll_event event{};
    event.events = events;
    event.data.ptr = owned.get();
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
        if (errno == EPERM) return false;
        return fail_errno("cannot watch a descriptor");
    }
    callbacks_.push_back(std::move(owned));
    return true;
}

Result<usize> EventLoop::dispatch(int timeout_ms) {
    std::array<epoll_event, 32> events;
    int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout_ms);
    if (count < 0) {
        if (errno == EINTR) return 0;
        return fail_errno("epoll_wait");
    }
    for (const epoll_event& event : std::span(events).first(static_cast<usize>(count)))
        (*static_cast<Callback*>(event.data.ptr))(event.events);
    return static_cast<usize>(count);
}

}  // namespace astra::vmm
