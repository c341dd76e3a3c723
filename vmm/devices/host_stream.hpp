// The host's end of a byte stream that a device carries (a serial line, a console port): pulled by the
// device, so that bytes wait where they are until the other side has room.
#pragma once
#include <span>

#include "guest_kernel/base/types.hpp"

namespace astra::vmm {

/// Called with the device's lock held, from any vCPU thread or the device thread. Neither function may block
/// nor call the device back; what the host has to say later it says with the device's
/// input_ready()/output_ready().
class HostStream {
  public:
    virtual ~HostStream() = default;
    /// The guest sent `bytes`: takes a prefix and returns its length. When that is not all, the device keeps
    /// the rest and offers it again after output_ready(). `bytes` may be guest memory: look at each byte
    /// once.
    [[nodiscard]] virtual usize write(std::span<const u8> bytes) = 0;
    /// The guest has room: fills a prefix of `to` and returns its length. When that is not all, the device
    /// asks again only after input_ready().
    [[nodiscard]] virtual usize read(std::span<u8> to) = 0;
};

}  // namespace astra::vmm
