// The bytes of a regular file; see the header.
#include "guest_kernel/fs/tmpfs/contents.hpp"

namespace astra::fs::tmpfs {

namespace {

constexpr u8 kZeros[kPageSize] = {};
constexpr u64 kAnonymousSize = u64{1} << 62;

constexpr u64 pages_of(u64 bytes) { return (bytes + kPageSize - 1) >> kPageShift; }
constexpr u64 smaller(u64 a, u64 b) { return a < b ? a : b; }

}  // namespace

Contents::~Contents() { drop_pages(state_.unlocked(), 0, SparseArray::kNone); }

Result<Ref<Contents>> Contents::create_anonymous() {
    Ref<Contents> contents = TRY(make_ref<Contents>(Ref<Volume>(), 0, std::span<const u8>()));
    contents->size_ = kAnonymousSize;
    return contents;
}

mm::PageSource::Identity Contents::identity() const { return {volume_ ? volume_->device : 0, number_}; }

mm::FrameRef Contents::find(const State& state, u64 index) {
    u64 frame = state.pages.get(index);
    return frame ? mm::FrameRef::share(PhysAddr(frame)) : mm::FrameRef();
}

std::span<const u8> Contents::lower_page(const State& state, u64 index) const {
    if (index >= pages_of(state.lower_limit)) return {};
    u64 start = index << kPageShift;
    return lower_.subspan(start, smaller(kPageSize, state.lower_limit - start));
}

Result<mm::FrameRef> Contents::fresh_frame(mm::Zero zero) {
    if (volume_) TRY(volume_->charge());
    auto frame = mm::alloc_frame(zero);
    if (!frame) {
        if (volume_) volume_->release(1);
        return fail(frame.error());
    }
    return mm::FrameRef::adopt(*frame);
}

void Contents::give_up(mm::FrameRef) {
    if (volume_) volume_->release(1);
}

Result<mm::FrameRef> Contents::insert(State& state, u64 index, mm::FrameRef frame) {
    mm::FrameRef shared = mm::FrameRef::share(frame.frame());
    if (auto done = state.pages.set(index, frame.frame().raw()); !done) {
        give_up(std::move(frame));
        return fail(done.error());
    }
    (void)frame.leak();  // the index owns it now
    return shared;
}

Result<mm::FrameRef> Contents::own_page(State& state, u64 index) {
    if (mm::FrameRef frame = find(state, index)) return frame;
    std::span<const u8> below = lower_page(state, index);
    mm::FrameRef frame = TRY(fresh_frame(below.size() == kPageSize ? mm::Zero::No : mm::Zero::Yes));
    if (!below.empty()) __builtin_memcpy(frame.data(), below.data(), below.size());
    return insert(state, index, std::move(frame));
}

mm::FrameRef Contents::image_frame(State& state, u64 index) const {
    std::span<const u8> below = lower_page(state, index);
    if (below.size() != kPageSize || !is_aligned(reinterpret_cast<u64>(below.data()), kPageSize)) return {};
    state.image_mapped = true;
    return mm::FrameRef::share(arch::virt_to_phys(below.data()));
}

mm::FrameRef Contents::page_if_resident(u64 index) {
    auto state = state_.lock();
    if (index >= pages_of(size())) return {};
    if (mm::FrameRef frame = find(*state, index)) return frame;
    return image_frame(*state, index);
}

Result<mm::FrameRef> Contents::page(u64 index, bool for_write) {
    auto state = state_.lock();
    if (index >= pages_of(size())) return fail(Errno::kEFAULT);
    if (mm::FrameRef frame = find(*state, index)) return frame;
    if (mm::FrameRef frame = for_write ? mm::FrameRef() : image_frame(*state, index)) return frame;
    // Holes get a page of their own also when only read: a zero page in one mapping would hide later writes.
    return own_page(*state, index);
}

u64 Contents::blocks() {
    auto state = state_.lock();
    u64 below = pages_of(state->lower_limit), own = state->pages.count();
    return (below > own ? below : own) * (kPageSize / 512);
}

Result<usize> Contents::read(Buffer& to, u64 offset) {
    usize done = 0;
    while (to.remaining() && offset < size()) {
        usize wanted = smaller(to.remaining(), size() - offset);
        u64 index = offset >> kPageShift, in_page = offset & (kPageSize - 1);
        std::span<const u8> bytes;
        mm::FrameRef frame;
        {
            auto state = state_.lock();
            frame = find(*state, index);
            if (frame) {
                bytes = {frame.data() + in_page, kPageSize - in_page};
            } else if (offset < state->lower_limit) {
                // Everything up to the next page of our own comes straight from the image.
                u64 next = state->pages.next(index);
                u64 end = next == SparseArray::kNone ? state->lower_limit
                                                     : smaller(state->lower_limit, next << kPageShift);
                bytes = lower_.subspan(offset, end - offset);
            } else {
                bytes = {kZeros, kPageSize - in_page};
            }
        }
        if (bytes.size() > wanted) bytes = bytes.first(wanted);
        Result<usize> moved = to.put(bytes);
        if (!moved) return done ? Result<usize>(done) : moved;
        done += *moved;
        offset += *moved;
        if (*moved < bytes.size()) break;
    }
    return done;
}

// Fetches into the page at `offset`. A page that is not there yet is filled before others can see it, unless
// a fault on the source (a mapping of this very file) made it meanwhile.
Result<usize> Contents::write_page(Buffer& from, u64 offset, usize count) {
    u64 index = offset >> kPageShift, in_page = offset & (kPageSize - 1);
    mm::FrameRef frame = find(*state_.lock(), index);
    if (frame) return from.take({frame.data() + in_page, count});

    bool whole = count == kPageSize;
    frame = TRY(fresh_frame(whole ? mm::Zero::No : mm::Zero::Yes));
    auto fill = [&](usize start) {  // the image's bytes, or zeros, from `start` on
        std::span<const u8> below = lower_page(*state_.lock(), index);
        usize end = below.size() > start ? below.size() : start;
        if (end > start) __builtin_memcpy(frame.data() + start, below.data() + start, end - start);
        if (whole) __builtin_memset(frame.data() + end, 0, kPageSize - end);
    };
    if (!whole) fill(0);
    Result<usize> moved = from.take({frame.data() + in_page, count});
    if (!moved || *moved == 0) {
        give_up(std::move(frame));
        return moved;
    }
    if (whole && *moved < count) fill(*moved);
    auto state = state_.lock();
    if (mm::FrameRef other = find(*state, index)) {
        __builtin_memcpy(other.data() + in_page, frame.data() + in_page, *moved);
        state.unlock();
        give_up(std::move(frame));
        return moved;
    }
    TRY(insert(*state, index, std::move(frame)));
    bool replaced_image = state->image_mapped && !lower_page(*state, index).empty();
    state.unlock();
    if (replaced_image) unmap_pages(index, 1, true);
    return moved;
}

Result<usize> Contents::write(Buffer& from, u64 offset, u64 limit) {
    usize done = 0;
    while (from.remaining() && offset < limit) {
        usize count =
            smaller(smaller(from.remaining(), limit - offset), kPageSize - (offset & (kPageSize - 1)));
        Result<usize> moved = write_page(from, offset, count);
        if (!moved) return done ? Result<usize>(done) : moved;
        done += *moved;
        offset += *moved;
        if (offset > size()) size_.store(offset, std::memory_order_release);
        if (*moved < count) break;
    }
    return done;
}

void Contents::drop_pages(State& state, u64 first, u64 end) {
    u64 dropped = 0;
    for (u64 at = state.pages.next(first); at < end; at = state.pages.next(at + 1)) {
        mm::unref_frame(PhysAddr(state.pages.take(at)));
        dropped++;
    }
    if (volume_) volume_->release(dropped);
}

Result<void> Contents::resize(u64 new_size) {
    u64 old_size = size_.exchange(new_size, std::memory_order_acq_rel);
    if (new_size >= old_size) return {};
    u64 first = pages_of(new_size), in_page = new_size & (kPageSize - 1);
    bool image_ends;  // inside a page of the image that mappings may show whole
    {
        auto state = state_.lock();
        image_ends = in_page && state->image_mapped && new_size < state->lower_limit;
        state->lower_limit = smaller(state->lower_limit, new_size);
        mm::FrameRef last = in_page ? find(*state, new_size >> kPageShift) : mm::FrameRef();
        if (last) __builtin_memset(last.data() + in_page, 0, kPageSize - in_page);
        drop_pages(*state, first, SparseArray::kNone);
    }
    unmap_pages(first, SparseArray::kNone - first);
    if (image_ends) unmap_pages(first - 1, 1, true);
    return {};
}

Result<void> Contents::discard(u64 first, u64 count) {
    auto guard = writer.lock();
    if (!allows_writing()) return fail(Errno::kEPERM);
    return punch(first << kPageShift, (first + count) << kPageShift);
}

Result<void> Contents::allocate(u64 from, u64 to) {
    for (u64 index = from >> kPageShift; index < pages_of(to); index++) {
        auto state = state_.lock();
        if (lower_page(*state, index).size() < kPageSize) TRY(own_page(*state, index));
    }
    return {};
}

Result<void> Contents::punch(u64 from, u64 to) {
    to = smaller(to, pages_of(size()) << kPageShift);
    if (from >= to) return {};
    u64 first = from >> kPageShift, count = pages_of(to) - first;
    while (from < to) {
        u64 index = from >> kPageShift, in_page = from & (kPageSize - 1);
        usize bytes = smaller(kPageSize - in_page, to - from);
        from += bytes;
        auto state = state_.lock();
        std::span<const u8> below = lower_page(*state, index);
        if (bytes == kPageSize && below.empty()) {
            drop_pages(*state, index, index + 1);
            continue;
        }
        if (below.empty() && !state->pages.get(index)) continue;
        mm::FrameRef frame = TRY(own_page(*state, index));  // hides what the image has there
        __builtin_memset(frame.data() + in_page, 0, bytes);
    }
    unmap_pages(first, count, true);
    return {};
}

u64 Contents::next_data(u64 from) {
    auto state = state_.lock();
    if (from < state->lower_limit) return from;
    u64 index = state->pages.next(from >> kPageShift);
    u64 start = index == SparseArray::kNone ? size() : index << kPageShift;
    return smaller(start > from ? start : from, size());
}

u64 Contents::next_hole(u64 from) {
    auto state = state_.lock();
    u64 at = from;
    while (at < size() && (at < state->lower_limit || state->pages.get(at >> kPageShift)))
        at = (at & ~u64{kPageSize - 1}) + kPageSize;
    return smaller(at, size());
}

}  // namespace astra::fs::tmpfs
