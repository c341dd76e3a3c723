// The network device's thread.
#include "vmm/machine/net_thread.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <cstdlib>

#include "vmm/machine/sandbox.hpp"
#include "vmm/machine/sandbox_rules.hpp"

namespace astra::vmm {

NetThread::~NetThread() {
    if (!thread_.joinable()) return;
    stop_ = true;
    wake_.signal();
    thread_.join();
}

void NetThread::run(bool confine) {
    ::pthread_setname_np(::pthread_self(), "net");
    sigset_t all;
    ::sigfillset(&all);
    ::sigdelset(&all, SIGSYS);  // tells what the sandbox refused
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    if (confine)
        if (auto confined = confine_thread(kNetRole, "network"); !confined) {
            fmt::print(stderr, "astra-vmm: {}\n", confined.error().message);
            std::abort();  // as it stands it must not meet the guest's packets
        }
    std::vector<pollfd> descriptors;
    while (!stop_) {
        descriptors.clear();
        descriptors.push_back({wake_.fd(), POLLIN, 0});
        for (const EventFd& kick : kicks_) descriptors.push_back({kick.fd(), POLLIN, 0});
        const usize own = descriptors.size();
        int timeout_ms = -1;
        {
            std::lock_guard guard(lock_);
            backend_.prepare(descriptors, timeout_ms, device_.has_room());
        }
        if (::poll(descriptors.data(), descriptors.size(), timeout_ms) < 0 && errno != EINTR) return;
        if (descriptors[0].revents) wake_.drain();
        for (usize i = 1; i < own; i++)
            if (descriptors[i].revents) kicks_[i - 1].drain();
        std::lock_guard guard(lock_);
        // First what the guest sent: libslirp holds frames for a guest whose address it asks for, and sends
        // them only when it is served after the answer.
        device_.process();
        backend_.serve(std::span(descriptors).subspan(own));
        device_.announce();
    }
}

}  // namespace astra::vmm
