// The thread of a virtio-net device: waits for the guest's kicks and for the backend's descriptors.
#pragma once
#include <atomic>
#include <mutex>
#include <thread>

#include "vmm/base/event_fd.hpp"
#include "vmm/virtio/net.hpp"

namespace astra::vmm {

class NetThread {
  public:
    /// The referents outlive the thread. `kicks`: descriptors the guest's doorbells signal.
    NetThread(virtio::Net& device, net::Backend& backend, std::mutex& lock, const std::vector<EventFd>& kicks,
              const EventFd& wake)
        : device_(device), backend_(backend), lock_(lock), kicks_(kicks), wake_(wake) {}
    ~NetThread();
    /// `confine`: the thread confines itself first (sandbox.hpp).
    void start(bool confine) {
        thread_ = std::thread([this, confine] { run(confine); });
    }

  private:
    void run(bool confine);
    virtio::Net& device_;
    net::Backend& backend_;
    std::mutex& lock_;
    const std::vector<EventFd>& kicks_;
    const EventFd& wake_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace astra::vmm
