// The heap: each size class has slabs of one frame whose bookkeeping lies in the frame table, so that objects
// keep their natural alignment and a pointer alone finds its slab.
#include "guest_kernel/mm/heap.hpp"

#include <algorithm>
#include <bit>

#include "guest_kernel/mm/frame_table.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::mm {

namespace {

constexpr usize kUnit = 16;  // every class is a multiple of it
/// From 64 bytes up multiples of 64; the odd ones are the largest that still fit 3, 5, 6 or 7 times into a
/// frame.
constexpr u16 kClasses[] = {16,  32,  48,  64,  128, 192,  256,  320, 384,
                            448, 512, 576, 640, 768, 1024, 1344, 2048};
constexpr usize kClassCount = std::size(kClasses);
constexpr usize kLargestClass = 2048;

/// Class of every size, in units.
struct ClassTable {
    u8 of[kLargestClass / kUnit + 1];
    constexpr ClassTable() : of{} {
        usize at = 0;
        for (usize unit = 0; unit <= kLargestClass / kUnit; unit++) {
            if (unit * kUnit > kClasses[at]) at++;
            of[unit] = static_cast<u8>(at);
        }
    }
};
constexpr ClassTable class_table;

struct SizeClass {
    u32 partial = 0;  // slabs with free objects, by frame number
    u32 empty = 0;    // of those, slabs without used objects: one is kept for the next allocation
};
struct Heap {
    SizeClass classes[kClassCount];
    HeapStats stats{};
};
constinit sched::SpinLocked<Heap, sched::Rank::Heap> heap;

u32 number_of(const void* pointer) { return frame_number(arch::virt_to_phys(pointer)); }
u8* slab_bytes(u32 number) { return static_cast<u8*>(arch::phys_to_virt(frame_address(number))); }
/// A free object holds the index of the next free one.
u16& link_at(u32 number, u16 index) { return *reinterpret_cast<u16*>(slab_bytes(number) + index * kUnit); }

void list_push(SizeClass& c, u32 number) {
    Frame& frame = *find_frame(number);
    frame.prev = 0;
    frame.next = c.partial;
    if (c.partial) find_frame(c.partial)->prev = number;
    c.partial = number;
}

void list_remove(SizeClass& c, u32 number) {
    Frame& frame = *find_frame(number);
    if (frame.prev)
        find_frame(frame.prev)->next = frame.next;
    else
        c.partial = frame.next;
    if (frame.next) find_frame(frame.next)->prev = frame.prev;
}

bool add_slab(Heap& h, u8 size_class) {
    Result<PhysAddr> memory = take_frames(0, Reserve::Use);
    if (!memory) return false;
    u32 number = frame_number(*memory);
    Frame& frame = *find_frame(number);
    frame.state = FrameState::Slab;
    frame.size_class = size_class;
    frame.free_object = 0;
    frame.used_objects = 0;
    usize size = kClasses[size_class], count = kPageSize / size;
    for (usize i = 0; i < count; i++)
        link_at(number, static_cast<u16>(i * size / kUnit)) =
            i + 1 < count ? static_cast<u16>((i + 1) * size / kUnit) : kNoObject;
    list_push(h.classes[size_class], number);
    h.classes[size_class].empty++;
    h.stats.frames_in_use++;
    return true;
}

void* alloc_small(usize size) {
    u8 size_class = class_table.of[(size + kUnit - 1) / kUnit];
    auto h = heap.lock();
    SizeClass& c = h->classes[size_class];
    if (!c.partial && !add_slab(*h, size_class)) return nullptr;
    u32 number = c.partial;
    Frame& frame = *find_frame(number);
    u16 index = frame.free_object;
    frame.free_object = link_at(number, index);
    if (frame.used_objects++ == 0) c.empty--;
    if (frame.free_object == kNoObject) list_remove(c, number);
    h->stats.bytes_in_use += kClasses[size_class];
    h->stats.objects_in_use++;
    return slab_bytes(number) + index * kUnit;
}

void* alloc_large(usize size) {
    u32 order = static_cast<u32>(std::bit_width((size - 1) >> kPageShift));
    Result<PhysAddr> memory = take_frames(order, Reserve::Use);
    if (!memory) return nullptr;
    auto h = heap.lock();
    h->stats.bytes_in_use += kPageSize << order;
    h->stats.frames_in_use += u64{1} << order;
    h->stats.objects_in_use++;
    return arch::phys_to_virt(*memory);
}

void free_large(void* pointer, u32 order) {
    {
        auto h = heap.lock();
        h->stats.bytes_in_use -= kPageSize << order;
        h->stats.frames_in_use -= u64{1} << order;
        h->stats.objects_in_use--;
    }
    if (order == 0)
        unref_frame(arch::virt_to_phys(pointer));
    else
        free_frames(arch::virt_to_phys(pointer), order);
}

/// Gives up an empty slab that is off its class's list.
void release_slab(Heap& h, SizeClass& c, u32 number) {
    Frame& frame = *find_frame(number);
    frame.state = FrameState::Block;
    frame.refs = 1;
    c.empty--;
    h.stats.frames_in_use--;
    unref_frame(frame_address(number));
}

void free_small(void* pointer, u32 number, Frame& frame) {
    auto h = heap.lock();
    u8 size_class = frame.size_class;
    SizeClass& c = h->classes[size_class];
    auto index = static_cast<u16>((static_cast<u8*>(pointer) - slab_bytes(number)) / kUnit);
#if ASTRA_KERNEL_CHECKS
    if (frame.used_objects == 0) panic("heap object %p freed twice", pointer);
    __builtin_memset(pointer, 0xdf, kClasses[size_class]);
#endif
    if (frame.free_object == kNoObject) list_push(c, number);
    link_at(number, index) = frame.free_object;
    frame.free_object = index;
    h->stats.bytes_in_use -= kClasses[size_class];
    h->stats.objects_in_use--;
    if (--frame.used_objects > 0) return;
    if (c.empty == 0) {
        c.empty = 1;
        return;
    }
    list_remove(c, number);
    c.empty++;
    release_slab(*h, c, number);
}

}  // namespace

void* heap_alloc(usize size) {
    if (size > (usize{1} << 40)) return nullptr;
    return size <= kLargestClass ? alloc_small(std::max<usize>(size, 1)) : alloc_large(size);
}

// Powers of two are naturally aligned in their slabs.
void* heap_alloc_aligned(usize size, usize alignment) {
    if (alignment <= kUnit || (alignment <= 64 && size >= 64)) return heap_alloc(size);
    if (alignment > kPageSize || size > (usize{1} << 40)) return nullptr;
    return heap_alloc(std::bit_ceil(std::max(size, alignment)));
}

void heap_free(void* pointer) {
    if (!pointer) return;
    u32 number = number_of(pointer);
    Frame* frame = find_frame(number);
    if (frame && frame->state == FrameState::Slab) return free_small(pointer, number, *frame);
    if (!frame || frame->state != FrameState::Block || reinterpret_cast<u64>(pointer) % kPageSize)
        panic("freeing %p, which the heap does not own", pointer);
    free_large(pointer, frame->order);
}

usize heap_trim() {
    auto h = heap.lock();
    usize freed = 0;
    for (SizeClass& c : h->classes) {
        for (u32 number = c.partial; number && c.empty;) {
            Frame& frame = *find_frame(number);
            u32 next = frame.next;
            if (frame.used_objects == 0) {
                list_remove(c, number);
                release_slab(*h, c, number);
                freed++;
            }
            number = next;
        }
    }
    return freed;
}

HeapStats heap_stats() { return heap.lock()->stats; }

}  // namespace astra::mm
