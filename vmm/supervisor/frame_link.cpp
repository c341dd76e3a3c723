// send(2) and recv(2) with frames.
#include "vmm/supervisor/frame_link.hpp"

#include <sys/socket.h>

#include <array>

namespace astra::vmm::supervisor {
namespace {

constexpr int kReceives = 16;  // of 64 KiB, per call

}  // namespace

bool FrameLink::flush() {
    while (wants_write()) {
        ssize_t put =
            ::send(socket_.get(), queue_.data() + sent_, queue_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
        if (put < 0) return false;
        sent_ += static_cast<usize>(put);
    }
    queue_.clear();
    sent_ = 0;
    return true;
}

bool FrameLink::receive(const FrameParser::Sink& sink) {
    std::array<u8, 64 * 1024> buffer;
    for (int i = 0; i < kReceives; i++) {
        ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        if (got == 0 || !parser_.feed(std::span(buffer).first(static_cast<usize>(got)), sink)) return false;
    }
    return true;
}

}  // namespace astra::vmm::supervisor
