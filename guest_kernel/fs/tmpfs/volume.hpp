// What the objects of one tmpfs share: its limits, inode numbers, and the image below it with the inodes of
// it that are in use.
#pragma once
#include "guest_kernel/fs/tar/image.hpp"
#include "guest_kernel/fs/tmpfs/sparse_array.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::fs::tmpfs {

class Node;

/// Of the image below: none.
inline constexpr u32 kNoLower = tar::Image::kNone;

class Volume final : public RefCounted {
  public:
    /// `lower`: the read-only tree the volume starts as; null: empty. `limit`: pages of contents it may hold.
    Volume(u64 device_number, Own<tar::Image> lower_image, u64 limit)
        : device(device_number),
          lower(std::move(lower_image)),
          limit_pages(limit),
          next_number_(lower ? u64{lower->inode_count()} + 1 : 1) {}

    const u64 device;
    const Own<tar::Image> lower;
    const u64 limit_pages;

    /// Room for one more page. Errors: ENOSPC.
    Result<void> charge();
    void release(u64 pages);
    [[nodiscard]] u64 used_pages() const { return used_pages_.load(std::memory_order_relaxed); }
    /// Pages that the files of all volumes hold.
    static u64 all_pages();
    u64 new_number() { return next_number_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] u64 numbers_used() const { return next_number_.load(std::memory_order_relaxed); }

    /// The node of an inode of the image: the one in use, or a fresh one. Errors: EIO for a damaged image.
    Result<Ref<Node>> lower_node(u32 number);
    /// A dying node leaves the table of those in use.
    void forget(u32 number, Node& node);
    /// Lets the changed nodes of the image go; the volume is not used again.
    void unpin_all();

  private:
    std::atomic<u64> used_pages_{0}, next_number_;
    sched::SpinLocked<SparseArray, sched::Rank::InodeMap> live_;  // lower inode number → Node*, not owned
};

}  // namespace astra::fs::tmpfs
