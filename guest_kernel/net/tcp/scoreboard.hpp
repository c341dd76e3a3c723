// Ranges of sequence numbers in order: what the peer has selectively acknowledged (RFC 6675), and what this
// side received ahead of a hole.
#pragma once
#include "guest_kernel/net/tcp/header.hpp"

namespace astra::inet::tcp {

/// At most kMax disjoint ranges; a range that finds no place is forgotten, which costs only a retransmission.
class RangeSet {
  public:
    static constexpr u32 kMax = 64;
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] u32 count() const { return count_; }
    [[nodiscard]] const Range& operator[](u32 i) const { return ranges_[i]; }
    [[nodiscard]] u32 bytes() const { return bytes_; }
    void add(Range range);
    /// Forgets everything before `sequence`.
    void advance(u32 sequence);
    void clear() { count_ = bytes_ = 0; }
    /// The range that contains `sequence`, or the first after it; count() when there is none.
    [[nodiscard]] u32 find(u32 sequence) const;
    /// Bytes within [begin, end).
    [[nodiscard]] u32 bytes_within(u32 begin, u32 end) const;

  private:
    Range ranges_[kMax];
    u32 count_ = 0, bytes_ = 0;
};

}  // namespace astra::inet::tcp
