// The heap: small blocks by size class from thread caches over one arena, large ones mapped.
#include "guest_runtime/alloc/alloc.hpp"

#include <algorithm>
#include <atomic>

#include "guest_runtime/alloc/size_class.hpp"
#include "guest_runtime/os/panic.hpp"
#include "guest_runtime/sync/raw_mutex.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/sys/syscall.hpp"

namespace astra::alloc {

namespace {

/// Before every block. `state` tells live blocks from freed ones and from chance.
struct Header {
    u32 state;
    u32 size_class;  // small: class; aligned: bytes back to the block it lies in
    u64 size;        // large: bytes of the mapping between its guards
};
constexpr u32 kSmall = 0x5a11b10c, kLarge = 0x1a26eb10, kAligned = 0xa11647ed, kFree = 0xdeadb10c;

/// A free block; the header before it says its class.
struct Free {
    Free* next;
};

constexpr u32 kCached = 64;  // blocks of a class that a thread keeps; half of them move at once
constexpr usize kArenaStep = 64 * 1024;

struct Cache {
    Free* list[kClasses];
    u32 count[kClasses];
};
thread_local constinit Cache cache{};

// Freed large blocks up to kKeptBlock bytes are kept for the next of about their size, kKeptBytes in all:
// mapping one anew costs three system calls and a page fault for every page.
constexpr usize kKeptBlock = 4 * 1024 * 1024, kKeptBytes = 8 * 1024 * 1024;

struct Shared {
    sync::RawMutex mutex;
    Free* list[kClasses] = {};
    u8* next = nullptr;  // the arena's unused part
    u8* end = nullptr;
    Free* large = nullptr;
    usize large_bytes = 0;
};
constinit Shared shared;
constinit std::atomic<u64> arena_bytes{0}, mapped_bytes{0};

Header* header_of(const void* block) { return static_cast<Header*>(const_cast<void*>(block)) - 1; }

i64 map(usize size, int protection) {
    i64 at = sys::mmap(0, size, protection, sys::kMapPrivate | sys::kMapAnonymous, -1, 0);
    return at < 0 && at > -4096 ? 0 : at;
}

/// More arena: the program break moves up; when it cannot, memory is mapped instead.
bool grow_arena(usize needed) {
    usize bytes = align_up(needed, kArenaStep);
    u64 now = static_cast<u64>(sys::brk(0));
    u64 start = align_up(now, 16);
    bool moved = static_cast<u64>(sys::brk(start + bytes)) == start + bytes;
    if (!moved) start = static_cast<u64>(map(bytes, sys::kProtRead | sys::kProtWrite));
    if (start == 0) return false;
    arena_bytes.fetch_add(bytes, std::memory_order_relaxed);
    if (reinterpret_cast<u8*>(start) != shared.end) shared.next = reinterpret_cast<u8*>(start);
    shared.end = reinterpret_cast<u8*>(start + bytes);
    return true;
}

/// Fills this thread's list of a class, from the shared list or the arena. False: no memory.
bool refill(u32 c) {
    usize bytes = sizeof(Header) + class_size(c);
    u32 wanted = std::clamp<u32>(static_cast<u32>(4096 / bytes), 1, kCached / 2);
    sync::RawGuard guard(shared.mutex);
    while (wanted > 0 && shared.list[c]) {
        Free* block = shared.list[c];
        shared.list[c] = block->next;
        block->next = cache.list[c];
        cache.list[c] = block;
        cache.count[c]++;
        wanted--;
    }
    if (cache.list[c]) return true;
    for (; wanted > 0; wanted--) {
        if (static_cast<usize>(shared.end - shared.next) < bytes && !grow_arena(bytes)) break;
        auto* header = reinterpret_cast<Header*>(shared.next);
        shared.next += bytes;
        *header = {kFree, c, 0};
        auto* block = reinterpret_cast<Free*>(header + 1);
        block->next = cache.list[c];
        cache.list[c] = block;
        cache.count[c]++;
    }
    return cache.list[c] != nullptr;
}

void give_back(u32 c, u32 count) {
    sync::RawGuard guard(shared.mutex);
    for (; count > 0 && cache.list[c]; count--) {
        Free* block = cache.list[c];
        cache.list[c] = block->next;
        cache.count[c]--;
        block->next = shared.list[c];
        shared.list[c] = block;
    }
}

void* allocate_small(u32 c) {
    Free* block = cache.list[c];
    if (!block) [[unlikely]] {
        if (!refill(c)) return nullptr;
        block = cache.list[c];
    }
    cache.list[c] = block->next;
    cache.count[c]--;
    header_of(block)->state = kSmall;
    return block;
}

/// A kept large block of `bytes` or up to a quarter more.
void* reuse_large(usize bytes) {
    sync::RawGuard guard(shared.mutex);
    for (Free** at = &shared.large; *at; at = &(*at)->next) {
        Free* block = *at;
        usize size = header_of(block)->size;
        if (size < bytes || size > bytes + bytes / 4) continue;
        *at = block->next;
        shared.large_bytes -= size;
        header_of(block)->state = kLarge;
        return block;
    }
    return nullptr;
}

bool keep_large(Header* header) {
    if (header->size > kKeptBlock) return false;
    sync::RawGuard guard(shared.mutex);
    if (shared.large_bytes + header->size > kKeptBytes) return false;
    auto* block = reinterpret_cast<Free*>(header + 1);
    header->state = kFree;
    block->next = shared.large;
    shared.large = block;
    shared.large_bytes += header->size;
    return true;
}

void* allocate_large(usize size) {
    if (size > (usize{1} << 46)) return nullptr;
    usize bytes = align_up(size + sizeof(Header), kPageSize);
    if (void* kept = reuse_large(bytes)) return kept;
    i64 at = map(bytes + 2 * kPageSize, sys::kProtNone);
    if (at == 0) return nullptr;
    u64 start = static_cast<u64>(at) + kPageSize;
    if (sys::mprotect(start, bytes, sys::kProtRead | sys::kProtWrite) < 0) {
        sys::munmap(static_cast<u64>(at), bytes + 2 * kPageSize);
        return nullptr;
    }
    mapped_bytes.fetch_add(bytes, std::memory_order_relaxed);
    auto* header = reinterpret_cast<Header*>(start);
    *header = {kLarge, 0, bytes};
    return header + 1;
}

}  // namespace

void* allocate(usize size, usize alignment) {
    if (alignment <= 16) return size <= kLargestSmall ? allocate_small(class_of(size)) : allocate_large(size);
    // A larger block, and a header before the aligned place in it that leads back.
    if (alignment > kHugePageSize || size > ~usize{0} - 2 * alignment) return nullptr;
    auto* block = static_cast<u8*>(allocate(size + alignment));
    if (!block) return nullptr;
    auto* aligned = reinterpret_cast<u8*>(align_up(reinterpret_cast<u64>(block), alignment));
    if (aligned != block) *header_of(aligned) = {kAligned, static_cast<u32>(aligned - block), 0};
    return aligned;
}

void deallocate(void* block) {
    if (!block) return;
    Header* header = header_of(block);
    switch (header->state) {
        case kSmall: {
            u32 c = header->size_class;
            header->state = kFree;
            auto* free = static_cast<Free*>(block);
            free->next = cache.list[c];
            cache.list[c] = free;
            if (++cache.count[c] > kCached) give_back(c, kCached / 2);
            return;
        }
        case kLarge: {
            if (keep_large(header)) return;
            mapped_bytes.fetch_sub(header->size, std::memory_order_relaxed);
            sys::munmap(reinterpret_cast<u64>(header) - kPageSize, header->size + 2 * kPageSize);
            return;
        }
        case kAligned: {
            header->state = kFree;
            return deallocate(static_cast<u8*>(block) - header->size_class);
        }
        case kFree: panic("a block was freed twice");
        default: panic("a pointer that is no block was freed, or what lies before it was overwritten");
    }
}

usize usable_size(const void* block) {
    Header* header = header_of(block);
    if (header->state == kSmall) return class_size(header->size_class);
    if (header->state == kLarge) return header->size - sizeof(Header);
    assert_that(header->state == kAligned, "usable_size of a pointer that is no block");
    return usable_size(static_cast<const u8*>(block) - header->size_class) - header->size_class;
}

void flush_thread_cache() {
    for (u32 c = 0; c < kClasses; c++)
        if (cache.list[c]) give_back(c, ~u32{0});
}

Statistics statistics() {
    return {arena_bytes.load(std::memory_order_relaxed), mapped_bytes.load(std::memory_order_relaxed)};
}

}  // namespace astra::alloc
