// Driver side of a split virtqueue (virtio 1.2, 2.7) with EVENT_IDX: one descriptor per buffer.
#pragma once
#define VIRTIO_RING_NO_LEGACY  // the legacy helpers are not C++
#include <linux/virtio_ring.h>

#include "guest_kernel/base/result.hpp"

namespace astra::virtio {

/// Not locked: the owner's lock covers every call.
class Queue {
  public:
    static constexpr u16 kMaxSize = 64;

    /// Lays the rings out in fresh frames. `size`: a power of two up to kMaxSize. Errors: ENOMEM.
    Result<void> init(u16 size, bool event_index);
    [[nodiscard]] PhysAddr descriptors() const { return base_; }
    [[nodiscard]] PhysAddr available() const;
    [[nodiscard]] PhysAddr used() const;
    [[nodiscard]] u16 size() const { return size_; }

    /// Makes a buffer available. `token` (below size) comes back from take_used; one buffer per token at a
    /// time.
    void publish(u16 token, PhysAddr buffer, u32 length, bool device_writes);
    /// True when the device wants to be notified of what was published since the last call.
    bool needs_notify();
    struct Used {
        u16 token;
        u32 length;
    };
    /// The next buffer the device is done with; false when there is none. A device that misbehaves is
    /// ignored.
    bool take_used(Used& out);
    /// Asks for an interrupt at the next used buffer; false when one is already there (take it instead).
    bool enable_interrupts();
    void disable_interrupts();

  private:
    PhysAddr base_;
    u16 size_ = 0;
    bool event_index_ = false;
    u16 next_available_ = 0, last_notified_ = 0, last_used_ = 0;
    vring_desc* desc_ = nullptr;
    vring_avail* avail_ = nullptr;
    vring_used* used_ = nullptr;
};

}  // namespace astra::virtio
