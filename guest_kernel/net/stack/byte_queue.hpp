// Bytes waiting to be sent and acknowledged: read at any offset, dropped from the front.
#pragma once
#include "guest_kernel/net/stack/packet.hpp"

namespace astra::inet {

class ByteQueue {
  public:
    ~ByteQueue() { drop(parts_); }
    [[nodiscard]] usize size() const { return size_; }
    /// Takes the bytes of `part` over, into what is there already when they fit.
    void append(Own<Packet> part);
    /// Copies the bytes from `offset` on; offset + to.size() is at most size().
    void copy(usize offset, std::span<u8> to) const;
    void drop_front(usize count);
    void clear();

  private:
    PacketList parts_;
    usize size_ = 0;
};

}  // namespace astra::inet
