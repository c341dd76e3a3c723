// The heap. operator new and delete come here; programs rarely call it by name.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::alloc {

/// Blocks up to this many bytes come from the arena (brk(2)); larger ones are mappings of their own between
/// two guard pages (mmap(2)), given back when they are freed.
inline constexpr usize kLargestSmall = 32 * 1024;

/// `size` bytes aligned to `alignment` (a power of two, up to 2 MiB), contents undefined; nullptr when there
/// is no memory. Thread-safe.
void* allocate(usize size, usize alignment = 16);

/// Gives a block back; null is nothing. Panics for a pointer that is not an allocated block: freed before, or
/// its header was overwritten.
void deallocate(void* block);

/// Bytes that a block can hold: at least what was asked for.
usize usable_size(const void* block);

/// Moves this thread's cached free blocks to where all threads find them. Threads do it when they end.
void flush_thread_cache();

/// What the heap has taken from the kernel and not given back, in bytes.
struct Statistics {
    u64 arena_bytes, mapped_bytes;
};
Statistics statistics();

}  // namespace astra::alloc
