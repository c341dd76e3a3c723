// Frames on their way out: queued, then sent as far as a socket takes them.
#pragma once
#include "vmm/control/frame.hpp"

namespace astra::vmm {

class SendQueue {
  public:
    /// Bytes queued and not sent yet.
    [[nodiscard]] usize size() const { return bytes_.size() - sent_; }
    void add(abi::control::Type type, u64 tag, std::span<const u8> message, std::span<const u8> tail = {}) {
        append_frame(bytes_, type, tag, message, tail);
    }
    /// Sends what `socket` takes without waiting. 0, or the errno of send(2) that says the peer is gone.
    [[nodiscard]] int flush(int socket);

  private:
    std::vector<u8> bytes_;  // the first `sent_` of them are gone already
    usize sent_ = 0;
};

}  // namespace astra::vmm
