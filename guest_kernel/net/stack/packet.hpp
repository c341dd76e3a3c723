// Packets on their way through the stack: one allocation each, with room for headers in front.
#pragma once
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/net/stack/address.hpp"

namespace astra::inet {

/// Bytes in front of a packet that is sent, for all headers together: link (14), virtio-net (12), IPv6 (40),
/// TCP (60).
inline constexpr usize kHeadroom = 128;

class Packet {
  public:
    /// `size` bytes, uninitialised, after `headroom` bytes. Errors: ENOMEM.
    static Result<Own<Packet>> make(usize size, usize headroom = kHeadroom);
    static void operator delete(void* memory) { ::operator delete(memory); }

    [[nodiscard]] u8* data() { return start() + begin_; }
    [[nodiscard]] const u8* data() const { return const_cast<Packet*>(this)->start() + begin_; }
    [[nodiscard]] usize size() const { return end_ - begin_; }
    [[nodiscard]] std::span<u8> bytes() { return {data(), size()}; }
    [[nodiscard]] std::span<const u8> bytes() const { return {data(), size()}; }
    [[nodiscard]] usize headroom() const { return begin_; }
    /// Bytes that append() can take.
    [[nodiscard]] usize tailroom() const { return capacity_ - end_; }
    /// All memory it takes.
    [[nodiscard]] usize cost() const { return sizeof *this + capacity_; }

    /// `count` more bytes in front (headroom() must have them), uninitialised.
    u8* prepend(usize count) {
        begin_ -= count;
        return data();
    }
    void strip(usize count) { begin_ += count; }
    void trim(usize size) { end_ = begin_ + size; }
    void append(std::span<const u8> more) {
        __builtin_memcpy(data() + size(), more.data(), more.size());
        end_ += more.size();
    }

    ListNode node;

    // What is known of a received packet.
    IpAddress from{}, to{};
    u16 source_port = 0;
    u32 link = 0;     // index of the link it came by
    u64 time_ns = 0;  // when
    u8 ttl = 0, traffic_class = 0;
    bool trusted = false;  // checksums need no look: it never left this machine, or the device looked
    u32 sequence = 0;      // TCP: of the first byte
    bool fin = false;      // TCP: the stream ends after it

    // Work left to the device when it is sent (virtio 1.2, 5.1.6.2).
    bool partial_checksum = false;  // the transport checksum holds the pseudo header's sum only
    u16 checksum_start = 0;         // of the transport header, from the start of the network header
    u16 checksum_offset = 0;        // of the field, from checksum_start
    u16 segment_size = 0;           // TCP payload of the segments it is to be cut into; 0: it is one

  private:
    explicit Packet(usize capacity) : capacity_(capacity) {}
    u8* start() { return reinterpret_cast<u8*>(this + 1); }
    const usize capacity_;
    usize begin_ = 0, end_ = 0;
};

using PacketList = List<Packet, &Packet::node>;
/// Deletes the packets of a list.
void drop(PacketList& packets);

}  // namespace astra::inet
