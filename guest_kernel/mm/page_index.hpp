// Pages of an object by index: a radix tree of frames, for page caches and shared memory.
#pragma once
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::mm {

/// Owns one reference of each frame in it. Not locked: the owner's lock guards it.
class PageIndex {
  public:
    PageIndex() = default;
    PageIndex(const PageIndex&) = delete;
    PageIndex& operator=(const PageIndex&) = delete;
    ~PageIndex() { remove(0, ~u64{0}); }

    /// The frame of page `index`; null when there is none. No reference is taken.
    [[nodiscard]] PhysAddr find(u64 index) const;
    /// Puts `frame` at `index`, which is free. ENOMEM leaves everything as it was.
    Result<void> insert(u64 index, FrameRef frame);
    /// Drops the pages in [first, end).
    void remove(u64 first, u64 end);
    /// The lowest occupied index at or above `from`, or ~0.
    [[nodiscard]] u64 next(u64 from) const;
    /// The lowest free index at or above `from`.
    [[nodiscard]] u64 next_free(u64 from) const;
    /// Pages held.
    [[nodiscard]] u64 count() const { return count_; }

  private:
    struct Node;
    /// Child nodes above level 0; frames at level 0.
    union Slot {
        Node* node;
        u64 frame;
    };
    static constexpr u32 kBits = 6;
    static constexpr usize kSlots = usize{1} << kBits;
    struct Node {
        Slot slots[kSlots] = {};
        u32 used = 0;
    };
    static constexpr u32 kMaxLevels = 64 / kBits;  // of 4 KiB pages: more than a file can have
    [[nodiscard]] bool covers(u64 index) const { return levels_ > 0 && index >> (kBits * levels_) == 0; }
    Result<void> grow(u64 index);
    bool remove(Node& node, u32 level, u64 base, u64 first, u64 end);
    static u64 next(const Node& node, u32 level, u64 base, u64 from);

    Node* root_ = nullptr;
    u32 levels_ = 0;  // 0: empty
    u64 count_ = 0;
};

}  // namespace astra::mm
