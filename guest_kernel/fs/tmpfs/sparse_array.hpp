// An array of 2^64 words, nearly all zero: a radix tree of 64-way nodes that grows as high as its highest
// index needs. Holds page frames by page number and live inodes by inode number.
#pragma once
#include "guest_kernel/base/result.hpp"

namespace astra::fs::tmpfs {

class SparseArray {
  public:
    SparseArray() = default;
    SparseArray(const SparseArray&) = delete;
    SparseArray& operator=(const SparseArray&) = delete;
    ~SparseArray() { clear(); }

    /// 0 when nothing was set there.
    [[nodiscard]] u64 get(u64 index) const;
    /// `value` is not 0. Errors: ENOMEM.
    Result<void> set(u64 index, u64 value);
    /// Zeroes the word and returns what it was.
    u64 take(u64 index);
    /// The first index at or after `from` that holds something, or kNone.
    [[nodiscard]] u64 next(u64 from) const;
    [[nodiscard]] bool empty() const { return count_ == 0; }
    /// Words that hold something.
    [[nodiscard]] u64 count() const { return count_; }
    /// Frees the nodes; the words are the caller's business.
    void clear();

    static constexpr u64 kNone = ~u64{0};

  private:
    static constexpr u32 kBits = 6, kSlots = 1 << kBits, kMaxHeight = 11;
    struct Node {
        u64 slots[kSlots] = {};
    };
    static Node* child(u64 slot) { return reinterpret_cast<Node*>(slot); }
    static u32 slot_of(u64 index, u32 level) { return (index >> (kBits * level)) & (kSlots - 1); }
    /// Whether `index` fits below the root.
    [[nodiscard]] bool covers(u64 index) const {
        return height_ == kMaxHeight || (index >> (kBits * height_)) == 0;
    }
    static u64 next_below(const Node* node, u32 level, u64 from);
    static void free_below(u64 slot, u32 height);

    u64 root_ = 0;    // height 0: the word of index 0; else a Node
    u32 height_ = 0;  // levels of nodes
    u64 count_ = 0;
};

}  // namespace astra::fs::tmpfs
