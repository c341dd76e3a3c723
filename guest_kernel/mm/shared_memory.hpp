// Memory shared without a file: what MAP_SHARED | MAP_ANONYMOUS maps, before and after fork.
#pragma once
#include "guest_kernel/mm/page_index.hpp"
#include "guest_kernel/mm/page_source.hpp"

namespace astra::mm {

class SharedMemory : public PageSource {
  public:
    /// `size` bytes of zeros, a multiple of the page size; pages appear when they are first touched.
    static Result<Ref<PageSource>> create(u64 size);
    Result<FrameRef> page(u64 index, bool for_write) override;
    FrameRef page_if_resident(u64 index) override;
    Result<void> discard(u64 first, u64 count) override;
    [[nodiscard]] u64 mapping_size() const override { return size_; }
    [[nodiscard]] Identity identity() const override { return {kDevice, number_}; }

  protected:
    SharedMemory(u64 size, u64 number) : size_(size), number_(number) {}
    static constexpr u64 kDevice = 1;  // 00:01, as Linux shows its internal tmpfs

  private:
    template <class T, class... A>
    friend Result<Ref<T>> astra::make_ref(A&&...);
    const u64 size_, number_;
    sched::MutexLocked<PageIndex, sched::Rank::PageSource> pages_;
};

}  // namespace astra::mm
