// One thread that waits for descriptors on behalf of everybody.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "vmm/base/event_fd.hpp"
#include "vmm/engines/wait_set.hpp"

namespace astra::vmm::daemon {

/// Callbacks run on the reactor's thread, one at a time, with no lock of its own held; they must not block.
class Reactor {
  public:
    using Callback = std::function<void(u32 events)>;

    [[nodiscard]] static Result<std::unique_ptr<Reactor>> start();
    ~Reactor();

    /// Calls `callback` whenever `fd` has one of `events` (EPOLLIN, …). Returns the watch's id. A callback
    /// may still be running, or run once more, while remove() is called from another thread.
    [[nodiscard]] Result<u64> add(int fd, u32 events, Callback callback);
    /// Watches for other events from now on. Errors: epoll_ctl(2)'s.
    [[nodiscard]] Result<void> change(u64 id, u32 events);
    void remove(u64 id);

  private:
    struct Watch {
        int fd;
        std::shared_ptr<Callback> callback;
    };
    Reactor(WaitSet waits, EventFd wake) : waits_(std::move(waits)), wake_(std::move(wake)) {}
    void run();

    WaitSet waits_;
    EventFd wake_;
    std::mutex mutex_;  // of the rest; never held while a callback runs
    std::map<u64, Watch> watches_;
    u64 next_id_ = 1;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace astra::vmm::daemon
