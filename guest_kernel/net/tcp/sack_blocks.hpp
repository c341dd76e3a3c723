// What a receiver tells of segments that came before one that is missing (RFC 2018, 4).
#pragma once
#include <algorithm>

#include "guest_kernel/net/tcp/header.hpp"

namespace astra::inet::tcp {

/// The stretches that grew last, the newest first. A stretch that is forgotten costs a retransmission at
/// most.
class SackBlocks {
  public:
    [[nodiscard]] usize count() const { return count_; }
    [[nodiscard]] const Range& operator[](usize i) const { return blocks_[i]; }
    void clear() { count_ = 0; }

    /// `range` has arrived ahead of a hole.
    void add(Range range) {
        if (range.size() == 0) return;
        remove_if([&](const Range& block) {
            if (after(block.begin, range.end) || before(block.end, range.begin)) return false;
            range = {earlier(block.begin, range.begin), later(block.end, range.end)};
            return true;
        });
        count_ = std::min(count_ + 1, Header::kMaxSack);
        for (usize i = count_ - 1; i > 0; i--) blocks_[i] = blocks_[i - 1];
        blocks_[0] = range;
    }
    /// Everything before `next` is acknowledged as a whole.
    void advance(u32 next) {
        remove_if([next](const Range& block) { return !after(block.end, next); });
    }

  private:
    template <class Predicate>
    void remove_if(Predicate&& gone) {
        usize kept = 0;
        for (usize i = 0; i < count_; i++)
            if (!gone(blocks_[i])) blocks_[kept++] = blocks_[i];
        count_ = kept;
    }
    Range blocks_[Header::kMaxSack];
    usize count_ = 0;
};

}  // namespace astra::inet::tcp
