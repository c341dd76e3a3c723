// Shared anonymous memory.
#include "guest_kernel/mm/shared_memory.hpp"

#include <atomic>

namespace astra::mm {

Result<Ref<PageSource>> SharedMemory::create(u64 size) {
    static constinit std::atomic<u64> last_number{0};
    return Ref<PageSource>(TRY(make_ref<SharedMemory>(size, last_number.fetch_add(1) + 1)));
}

Result<FrameRef> SharedMemory::page(u64 index, bool) {
    auto pages = pages_.lock();
    if (PhysAddr frame = pages->find(index); !frame.is_null()) return FrameRef::share(frame);
    FrameRef fresh = FrameRef::adopt(TRY(alloc_frame(Zero::Yes)));
    TRY(pages->insert(index, FrameRef::share(fresh.frame())));
    return fresh;
}

Result<void> SharedMemory::discard(u64 first, u64 count) {
    pages_.lock()->remove(first, first + count);
    return {};
}

FrameRef SharedMemory::page_if_resident(u64 index) {
    auto pages = pages_.lock();
    PhysAddr frame = pages->find(index);
    return frame.is_null() ? FrameRef() : FrameRef::share(frame);
}

}  // namespace astra::mm
