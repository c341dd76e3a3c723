// recv(2) with frames.
#include "vmm/supervisor/frame_link.hpp"

#include <sys/socket.h>

#include <array>

namespace astra::vmm::supervisor {
namespace {

constexpr int kReceives = 16;  // of 64 KiB, per call

}  // namespace

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
