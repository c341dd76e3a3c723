// PipeRing.
#include "guest_kernel/fs/pipe_ring.hpp"

#include <algorithm>

namespace astra::fs {

PipeRing::~PipeRing() {
    for (usize i = 0; i < pages_.size(); i++) release(i);
}

void PipeRing::release(usize page) {
    if (!pages_[page].is_null()) mm::unref_frame(pages_[page]);
    pages_[page] = PhysAddr();
}

/// The bytes at `offset`, their page made when missing.
Result<u8*> PipeRing::page_at(usize offset) {
    PhysAddr& page = pages_[offset / kPageSize];
    if (page.is_null()) page = TRY(mm::alloc_frame(mm::Zero::No));
    return static_cast<u8*>(arch::phys_to_virt(page)) + offset % kPageSize;
}

Result<usize> PipeRing::write(Buffer& from) {
    usize done = 0;
    while (room() > 0 && from.remaining() > 0) {
        usize at = (head_ + used_) % capacity();
        Result<u8*> bytes = page_at(at);
        if (!bytes) return done > 0 ? Result<usize>(done) : fail(bytes.error());
        usize part = std::min({room(), kPageSize - at % kPageSize, from.remaining()});
        Result<usize> moved = from.take({*bytes, part});
        if (!moved) return done > 0 ? Result<usize>(done) : moved;
        used_ += *moved;
        done += *moved;
        if (*moved < part) break;
    }
    return done;
}

Result<usize> PipeRing::read(Buffer& to) {
    usize done = 0;
    while (used_ > 0 && to.remaining() > 0) {
        usize part = std::min(used_, kPageSize - head_ % kPageSize);
        const auto* bytes =
            static_cast<const u8*>(arch::phys_to_virt(pages_[head_ / kPageSize])) + head_ % kPageSize;
        Result<usize> moved = to.put({bytes, part});
        if (!moved) return done > 0 ? Result<usize>(done) : moved;
        drop(*moved);
        done += *moved;
        if (*moved < part) break;
    }
    return done;
}

usize PipeRing::peek(std::span<u8> to) const {
    usize done = 0;
    for (usize left = std::min(used_, to.size()), at = head_; left > 0;) {
        usize part = std::min(left, kPageSize - at % kPageSize);
        const auto* bytes =
            static_cast<const u8*>(arch::phys_to_virt(pages_[at / kPageSize])) + at % kPageSize;
        __builtin_memcpy(to.data() + done, bytes, part);
        done += part, left -= part;
        at = (at + part) % capacity();
    }
    return done;
}

void PipeRing::drop(usize count) {
    while (count > 0) {
        usize page = head_ / kPageSize, inside = head_ % kPageSize;
        usize part = std::min(count, kPageSize - inside);
        count -= part;
        used_ -= part;
        head_ += part;
        // An empty ring starts over in the page it has, so that small messages keep using one.
        if (used_ == 0) {
            head_ = page * kPageSize;
        } else if (inside + part == kPageSize) {
            head_ %= capacity();
            // A full ring's last bytes lie before its first ones, in the same page.
            if (used_ <= capacity() - kPageSize) release(page);
        }
    }
}

Result<void> PipeRing::resize(usize bytes) {
    if (bytes < used_) return fail(Errno::kEBUSY);
    PipeRing fresh;
    TRY(fresh.pages_.resize(bytes / kPageSize));
    // Copied into full pages from the start: pages of the old ring need not be full.
    for (usize copied = 0; copied < used_;) {
        usize at = (head_ + copied) % capacity();
        usize part = std::min(used_ - copied, kPageSize - at % kPageSize);
        KernelBuffer piece(std::span<const u8>(
            static_cast<const u8*>(arch::phys_to_virt(pages_[at / kPageSize])) + at % kPageSize, part));
        copied += TRY(fresh.write(piece));
    }
    std::swap(pages_, fresh.pages_);
    std::swap(head_, fresh.head_);
    std::swap(used_, fresh.used_);
    return {};
}

}  // namespace astra::fs
