// The reactor's loop.
#include "vmm/daemon/reactor.hpp"

#include <poll.h>
#include <sys/epoll.h>

namespace astra::vmm::daemon {
namespace {

constexpr u64 kWake = 0;

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::start() {
    auto waits = TRY(WaitSet::create());
    auto wake = TRY(EventFd::create());
    std::unique_ptr<Reactor> reactor(new Reactor(std::move(waits), std::move(wake)));
    TRY(reactor->waits_.watch(reactor->wake_.fd(), kWake, EPOLLIN));
    reactor->thread_ = std::thread([raw = reactor.get()] { raw->run(); });
    return reactor;
}

Reactor::~Reactor() {
    ending_ = true;
    wake_.signal();
    if (thread_.joinable()) thread_.join();
}

Result<u64> Reactor::add(int fd, u32 events, Callback callback) {
    std::lock_guard lock(mutex_);
    u64 id = next_id_++;
    TRY(waits_.watch(fd, id, events));
    watches_[id] = {fd, std::make_shared<Callback>(std::move(callback))};
    return id;
}

Result<void> Reactor::change(u64 id, u32 events) {
    std::lock_guard lock(mutex_);
    auto found = watches_.find(id);
    if (found == watches_.end()) return {};
    return waits_.watch(found->second.fd, id, events);
}

void Reactor::remove(u64 id) {
    std::lock_guard lock(mutex_);
    auto found = watches_.find(id);
    if (found == watches_.end()) return;
    waits_.remove(found->second.fd);
    watches_.erase(found);
}

void Reactor::run() {
    while (!ending_) {
        pollfd ready{waits_.fd(), POLLIN, 0};
        if (::poll(&ready, 1, -1) < 0) continue;
        for (WaitSet::Event event : waits_.ready()) {
            std::shared_ptr<Callback> callback;
            {
                std::lock_guard lock(mutex_);
                if (event.id == kWake) wake_.drain();
                if (auto found = watches_.find(event.id); found != watches_.end())
                    callback = found->second.callback;
            }
            if (callback) (*callback)(event.events);
        }
    }
}

}  // namespace astra::vmm::daemon
