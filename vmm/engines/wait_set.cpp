// The epoll set of a run.
#include "vmm/engines/wait_set.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>

namespace astra::vmm {

Result<WaitSet> WaitSet::create() {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll.valid()) return fail_errno("epoll_create1");
    Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer.valid()) return fail_errno("timerfd_create");
    WaitSet waits(std::move(epoll), std::move(timer));
    TRY(waits.watch(waits.timer_.get(), kDeadline, EPOLLIN));
    return waits;
}

Result<void> WaitSet::watch(int fd, u64 id, u32 events) {
    epoll_event event{.events = events, .data = {.u64 = id}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) return {};
    if (errno == ENOENT && ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
    return fail_errno("epoll_ctl");
}

void WaitSet::remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void WaitSet::set_deadline(std::chrono::milliseconds from_now) {
    itimerspec spec{};
    spec.it_value.tv_sec = from_now.count() / 1000;
    spec.it_value.tv_nsec = from_now.count() % 1000 * 1'000'000;
    ::timerfd_settime(timer_.get(), 0, &spec, nullptr);
}

std::span<const WaitSet::Event> WaitSet::ready() {
    std::array<epoll_event, std::tuple_size_v<decltype(events_)>> found;
    int count = ::epoll_wait(epoll_.get(), found.data(), static_cast<int>(found.size()), 0);
    for (int i = 0; i < count; i++) {
        const epoll_event& event = found[static_cast<usize>(i)];
        events_[static_cast<usize>(i)] = {event.data.u64, event.events};
        u64 expirations;
        if (event.data.u64 == kDeadline) (void)!::read(timer_.get(), &expirations, sizeof expirations);
    }
    return std::span(events_).first(static_cast<usize>(std::max(count, 0)));
}

}  // namespace astra::vmm
