// A split virtqueue seen from the device (VIRTIO 1.2, 2.7). The guest that owns the rings is hostile: every
// index, address, length and flag is checked, and each is read once.
#pragma once
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "guest_kernel/abi/virtio.hpp"
#include "vmm/memory/guest_memory.hpp"

namespace astra::vmm::virtio {

/// One request of the driver: the buffers of a descriptor chain, in guest memory. The guest may change the
/// bytes at any time; the spans themselves stay valid as long as guest memory is mapped.
struct Chain {
    u16 head = 0;
    std::vector<std::span<const u8>> readable;  // driver → device
    std::vector<std::span<u8>> writable;        // device → driver

    [[nodiscard]] u64 readable_bytes() const;
    [[nodiscard]] u64 writable_bytes() const;
    /// Copies readable bytes from `offset` on; returns how many there were, at most to.size().
    [[nodiscard]] usize copy_out(u64 offset, std::span<u8> to) const;
    /// Copies into the writable bytes from `offset` on; returns how many fitted.
    [[nodiscard]] usize copy_in(u64 offset, std::span<const u8> from) const;
};

/// Why a queue cannot go on: what the driver did wrong, for the log.
struct Broken {
    std::string reason;
};

class Queue {
  public:
    explicit Queue(u16 max_size) : max_size_(max_size), size_(max_size) {}

    // Set-up, from the transport's registers. Ignored while ready.
    void set_size(u32 size);
    void set_descriptors(PhysAddr a) { set(descriptors_at_, a); }
    void set_available(PhysAddr a) { set(available_at_, a); }
    void set_used(PhysAddr a) { set(used_at_, a); }
    [[nodiscard]] PhysAddr descriptors() const { return descriptors_at_; }
    [[nodiscard]] PhysAddr available() const { return available_at_; }
    [[nodiscard]] PhysAddr used() const { return used_at_; }
    [[nodiscard]] u16 max_size() const { return max_size_; }
    [[nodiscard]] u16 size() const { return size_; }
    [[nodiscard]] bool ready() const { return ready_; }

    /// Maps the rings. Broken when size or addresses are not what 2.7 allows, or not in guest memory.
    [[nodiscard]] std::expected<void, Broken> enable(const GuestMemory& memory, u64 features);
    void disable() { ready_ = false; }
    /// Back to the state after construction.
    void reset() { *this = Queue(max_size_); }

    /// The next request; none when the driver offers no more, and then it will notify of the next one. Until
    /// none was returned it need not. `chain` is filled anew each time, so that a caller in a loop allocates
    /// little. Not ready: none.
    [[nodiscard]] std::expected<bool, Broken> pop(Chain& chain);
    /// Gives back the chain popped last, which the device cannot serve now: the next pop() returns it again.
    void unpop() { --next_available_; }
    /// Returns a chain to the driver, `written` bytes of its writable part being valid.
    void push(const Chain& chain, u32 written);
    /// Whether the driver wants to be interrupted for what was pushed since the last call. Call once per
    /// batch.
    [[nodiscard]] bool wants_interrupt();

  private:
    void set(PhysAddr& field, PhysAddr address) {
        if (!ready_) field = address;
    }
    [[nodiscard]] std::expected<bool, Broken> more_available();
    [[nodiscard]] std::expected<void, Broken> walk(u16 head, Chain& chain) const;
    [[nodiscard]] std::expected<void, Broken> add_buffer(const abi::virtio::Descriptor& descriptor,
                                                         Chain& chain) const;

    const GuestMemory* memory_ = nullptr;
    u16 max_size_, size_;
    bool ready_ = false;
    bool event_idx_ = false, indirect_ = false;
    PhysAddr descriptors_at_, available_at_, used_at_;
    std::span<u8> table_, available_ring_, used_ring_;  // host memory of the rings
    u16 next_available_ = 0;                            // next entry of the available ring to look at
    u16 next_used_ = 0;                                 // next entry of the used ring to fill
    u16 signalled_used_ = 0;                            // next_used_ when wants_interrupt() was last asked
    bool no_notify_ = false;                            // without EVENT_IDX: what the used ring's flags say
};

}  // namespace astra::vmm::virtio
