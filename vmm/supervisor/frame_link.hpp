// One end of the socket between daemon and supervisor: frames in, frames out, never blocking.
#pragma once
#include "vmm/base/fd.hpp"
#include "vmm/control/send_queue.hpp"

namespace astra::vmm::supervisor {

class FrameLink {
  public:
    /// `socket` is a connected, non-blocking stream socket; `rules` are what the peer may send.
    FrameLink(Fd socket, std::span<const FrameRule> rules) : socket_(std::move(socket)), parser_(rules) {}

    [[nodiscard]] int fd() const { return socket_.get(); }
    [[nodiscard]] bool wants_write() const { return queue_.size() > 0; }
    /// Bytes queued and not sent yet.
    [[nodiscard]] usize backlog() const { return queue_.size(); }

    /// Queues a frame; flush() sends it.
    void send(abi::control::Type type, u64 tag, std::span<const u8> message, std::span<const u8> tail = {}) {
        queue_.add(type, tag, message, tail);
    }
    /// Sends what the socket takes. False when the peer is gone.
    bool flush() { return queue_.flush(socket_.get()) == 0; }
    /// Takes what has arrived (a bounded amount) and hands every whole frame to `sink`. False when the peer
    /// is gone, breaks the protocol, or `sink` failed.
    bool receive(const FrameParser::Sink& sink);

  private:
    Fd socket_;
    FrameParser parser_;
    SendQueue queue_;
};

}  // namespace astra::vmm::supervisor
