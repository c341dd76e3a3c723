// The kernel heap behind operator new: slabs for small sizes, frames for large. Fails with nullptr, never
// throws.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::mm {

/// `size` bytes, 16-byte aligned (64 from 64 bytes up); nullptr when out of memory.
void* heap_alloc(usize size);
/// As heap_alloc, aligned to `alignment` (a power of two, at most a page).
void* heap_alloc_aligned(usize size, usize alignment);
/// Gives back what heap_alloc answered; nullptr is accepted.
void heap_free(void* pointer);

/// Gives empty slabs back to the frame allocator; returns how many frames that were.
usize heap_trim();

struct HeapStats {
    u64 bytes_in_use, objects_in_use, frames_in_use;
};
HeapStats heap_stats();

}  // namespace astra::mm
