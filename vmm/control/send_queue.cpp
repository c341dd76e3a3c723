// send(2) for queued frames.
#include "vmm/control/send_queue.hpp"

#include <sys/socket.h>

namespace astra::vmm {

int SendQueue::flush(int socket) {
    while (size() > 0) {
        ssize_t put = ::send(socket, bytes_.data() + sent_, size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return errno;
        if (put < 0) break;
        sent_ += static_cast<usize>(put);
    }
    // A queue that never runs quite empty must not keep all that it ever held.
    if (sent_ >= bytes_.size() / 2) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sent_));
        sent_ = 0;
    }
    return 0;
}

}  // namespace astra::vmm
