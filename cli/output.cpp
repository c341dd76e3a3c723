// Non-blocking writes to blocking descriptors.
#include "cli/output.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace astra::cli {
namespace {

/// POLLOUT on a pipe means that this many bytes fit (pipe(7)).
constexpr size_t kPiece = PIPE_BUF;

bool writable_now(int fd) {
    pollfd entry{.fd = fd, .events = POLLOUT, .revents = 0};
    return ::poll(&entry, 1, 0) > 0;
}

}  // namespace

void Output::add(std::span<const std::byte> bytes) {
    if (error_ == 0) queue_.insert(queue_.end(), bytes.begin(), bytes.end());
}

bool Output::write_some() {
    while (pending() && writable_now(fd_)) {
        ssize_t put = ::write(fd_, queue_.data() + written_, std::min(kPiece, queue_.size() - written_));
        if (put >= 0) {
            written_ += static_cast<size_t>(put);
        } else if (errno == EAGAIN) {
            break;  // someone made the shared descriptor non-blocking
        } else if (errno != EINTR) {
            error_ = errno;
            queue_.clear();
            written_ = 0;
            return false;
        }
    }
    if (!pending()) {
        queue_.clear();
        written_ = 0;
    } else if (written_ > kHighWater) {
        queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(written_));
        written_ = 0;
    }
    return true;
}

}  // namespace astra::cli
