// FdStream: send/recv with MSG_DONTWAIT on sockets; elsewhere poll before pieces that cannot block.
#include "vmm/machine/fd_stream.hpp"

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>

namespace astra::vmm {

Result<std::unique_ptr<FdStream>> FdStream::create(Fd fd) {
    struct stat status;
    if (::fstat(fd.get(), &status) < 0) return fail_errno("a stream's descriptor");
    auto stream = std::make_unique<FdStream>();
    stream->fd_ = std::move(fd);
    stream->socket_ = S_ISSOCK(status.st_mode);
    stream->input_ended_ = !stream->socket_;
    return stream;
}

Result<void> FdStream::watch(EventLoop& loop, std::function<void()> ready) {
    if (!fd_.valid()) return {};
    u32 events = EPOLLET | EPOLLOUT | (socket_ ? EPOLLIN | EPOLLRDHUP : 0u);
    TRY(loop.add(fd_.get(), events, [ready = std::move(ready)](u32) { ready(); }));
    return {};
}

usize FdStream::write(std::span<const u8> bytes) {
    usize done = 0;
    while (done < bytes.size() && !output_ended_ && fd_.valid()) {
        ssize_t count = write_some(bytes.subspan(done));
        if (count >= 0) {
            done += static_cast<usize>(count);
            continue;
        }
        if (errno == EINTR) continue;
        blocked_ = errno == EAGAIN;
        if (blocked_) return done;
        output_ended_ = true;  // EPIPE, ECONNRESET, ENOSPC…: nobody will ever take it
    }
    blocked_ = false;
    return bytes.size();
}

ssize_t FdStream::write_some(std::span<const u8> bytes) const {
    if (socket_) return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    pollfd room{fd_.get(), POLLOUT, 0};
    int ready = ::poll(&room, 1, 0);
    if (ready < 0) return -1;
    if (ready == 0) return errno = EAGAIN, -1;
    // A pipe that polls writable takes this many bytes without blocking (pipe(7)).
    return ::write(fd_.get(), bytes.data(), std::min<usize>(bytes.size(), PIPE_BUF));
}

usize FdStream::read(std::span<u8> to) {
    usize done = 0;
    while (done < to.size() && !input_ended_ && fd_.valid()) {
        ssize_t count = ::recv(fd_.get(), to.data() + done, to.size() - done, MSG_DONTWAIT);
        if (count > 0)
            done += static_cast<usize>(count);
        else if (count == 0)
            input_ended_ = true;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            input_ended_ = true;
    }
    return done;
}

}  // namespace astra::vmm
