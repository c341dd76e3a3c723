// The bytes inside a pipe: a ring of pages that come and go with the data.
#pragma once
#include "guest_kernel/fs/file.hpp"

namespace astra::fs {

/// Not locked: its pipe does that.
class PipeRing {
  public:
    PipeRing() = default;
    PipeRing(const PipeRing&) = delete;
    PipeRing& operator=(const PipeRing&) = delete;
    ~PipeRing();
    /// Room for `bytes` (a multiple of the page size) in all. Errors: EBUSY (holds more), ENOMEM.
    Result<void> resize(usize bytes);
    [[nodiscard]] usize used() const { return used_; }
    [[nodiscard]] usize room() const { return capacity() - used_; }
    /// Moves as much as there is and fits. Errors only when nothing moved: EFAULT, ENOMEM.
    Result<usize> read(Buffer& to);
    Result<usize> write(Buffer& from);
    /// Copies from the front and leaves the bytes where they are; answers how many.
    usize peek(std::span<u8> to) const;
    /// Takes `count` bytes, no more than used(), off the front.
    void drop(usize count);

  private:
    [[nodiscard]] usize capacity() const { return pages_.size() * kPageSize; }
    Result<u8*> page_at(usize offset);
    void release(usize page);
    Vector<PhysAddr> pages_;  // null: no page yet
    usize head_ = 0;          // offset of the first byte
    usize used_ = 0;
};

}  // namespace astra::fs
