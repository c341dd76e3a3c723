// System V shared memory segments.
#include "guest_kernel/ipc/segment.hpp"

namespace astra::ipc {

namespace {
LockedSegments g_segments;
}

LockedSegments& segments() { return g_segments; }

Segment::Segment(u64 bytes) : SharedMemory(align_up(bytes, kPageSize), 0), size(bytes) {}

Result<Ref<Segment>> Segment::create(u64 size) {
    if (size == 0 || size > kMostSegment) return fail(Errno::kEINVAL);
    if (size > mm::frame_stats().total << kPageShift) return fail(Errno::kENOMEM);
    return make_ref<Segment>(size);
}

u64 Segment::attached() {
    u64 count = 0;
    auto list = mappings.lock();
    for ([[maybe_unused]] mm::Mapping& mapping : *list) count++;
    return count;
}

void Segment::destroy() {
    g_segments.lock()->forget(*this);
    delete this;
}

Result<Ref<Segment>> Segments::find(int id) {
    for (Segment& segment : retired_)
        if (segment.id == id && segment.try_ref()) return Ref<Segment>::adopt(&segment);
    return Registry::find(id);
}

Ref<Segment> Segments::retire(Segment& segment) {
    constexpr u32 kDoomed = 01000;  // SHM_DEST
    segment.perm.key = abi::kIpcPrivate;
    segment.perm.mode |= kDoomed;
    retired_.push_back(segment);
    return remove(segment);
}

void Segments::forget(Segment& segment) { segment.retired_node.unlink(); }

Segment* Segments::which(const mm::PageSource* source) {
    for (Segment& segment : retired_)
        if (&segment == source) return &segment;
    for (const Ref<Segment>& segment : all())
        if (segment.get() == source) return segment.get();
    return nullptr;
}

}  // namespace astra::ipc
