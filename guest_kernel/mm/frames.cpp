// The frame allocator: a buddy system over the machine's RAM, with metadata written only as memory comes into
// use.
#include "guest_kernel/mm/frames.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

#include "guest_kernel/mm/frame_table.hpp"
#include "guest_kernel/mm/heap.hpp"
#include "guest_kernel/mm/warm_tables.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::mm {

namespace {

constexpr u32 kMaxOrder = 12;  // 16 MiB
constexpr u32 kMaxZones = 16;
constexpr u32 kMinZoneFrames = 64;
/// Single frames are kept apart before they join their buddies again: freeing and allocating in turn then
/// neither merges nor splits.
constexpr u32 kHotLimit = 512;

/// A run of RAM: its metadata array first, then blocks up to `untouched`, then memory never handed out.
struct Zone {
    u32 first = 0, end = 0;  // frame numbers
    u32 untouched = 0;
    Frame* frames = nullptr;  // of `first`
};

struct Buddy {
    Zone zones[kMaxZones];  // largest first
    u32 zone_count = 0;
    u32 lists[kMaxOrder + 1] = {};  // first free block of each order
    u32 hot = 0, hot_count = 0;     // single free frames, last freed first
    u64 total = 0, free = 0, reserve = 0;

    void push(u32 number, u32 order);
    void unlink(u32 number);
    bool carve();
    void merge(u32 number, u32 order);
    void drain_hot(u32 keep);
    u32 take(u32 order);
};

constinit sched::SpinLocked<Buddy, sched::Rank::Frames> buddy;
constinit std::atomic<u64> page_tables{0}, kernel_stacks{0};
constinit PhysAddr zeros;

// Zones are set once, before anything else runs: find_frame reads them without the lock.
Frame& frame_at(u32 number) { return *find_frame(number); }

void Buddy::push(u32 number, u32 order) {
    Frame& frame = frame_at(number);
    frame = {.next = lists[order],
             .prev = 0,
             .refs = 0,
             .state = FrameState::Free,
             .order = static_cast<u8>(order)};
    if (lists[order]) frame_at(lists[order]).prev = number;
    lists[order] = number;
}

void Buddy::unlink(u32 number) {
    Frame& frame = frame_at(number);
    if (frame.prev)
        frame_at(frame.prev).next = frame.next;
    else
        lists[frame.order] = frame.next;
    if (frame.next) frame_at(frame.next).prev = frame.prev;
}

/// Brings the next block of untouched memory into use, the largest its alignment allows.
bool Buddy::carve() {
    for (u32 i = 0; i < zone_count; i++) {
        Zone& zone = zones[i];
        u32 left = zone.end - zone.untouched;
        if (left == 0) continue;
        u32 order = std::min({kMaxOrder, static_cast<u32>(std::countr_zero(zone.untouched)),
                              static_cast<u32>(std::bit_width(left)) - 1});
        u32 number = zone.untouched;
        zone.untouched += 1u << order;
        push(number, order);
        return true;
    }
    return false;
}

/// Returns a block to the lists, joined with its free buddies. The head of a buddy is always up to date: both
/// halves were written when their parent was split, and blocks are carved on their natural boundaries.
void Buddy::merge(u32 number, u32 order) {
    const Zone* zone = zones;
    while (number < zone->first || number >= zone->end) zone++;
    for (; order < kMaxOrder; order++) {
        u32 other = number ^ (1u << order);
        if (other < zone->first || other + (1u << order) > zone->untouched) break;
        Frame& frame = frame_at(other);
        if (frame.state != FrameState::Free || frame.order != order) break;
        unlink(other);
        frame.state = FrameState::Block;
        number = std::min(number, other);
    }
    push(number, order);
}

void Buddy::drain_hot(u32 keep) {
    while (hot_count > keep) {
        u32 number = hot;
        hot = frame_at(number).next;
        hot_count--;
        merge(number, 0);
    }
}

/// The number of a free block of `order`, off the lists; 0 when there is none.
u32 Buddy::take(u32 order) {
    if (order == 0 && hot) {
        u32 number = hot;
        hot = frame_at(number).next;
        hot_count--;
        return number;
    }
    for (;;) {
        u32 from = order;
        while (from <= kMaxOrder && !lists[from]) from++;
        if (from <= kMaxOrder) {
            u32 number = lists[from];
            unlink(number);
            while (from > order) {
                from--;
                push(number + (1u << from), from);
            }
            return number;
        }
        if (carve()) continue;
        if (hot_count == 0) return 0;
        drain_hot(0);
    }
}

void zero(PhysAddr base, u32 order) { __builtin_memset(arch::phys_to_virt(base), 0, kPageSize << order); }

/// Puts a single frame nobody refers to any more with the free ones.
void release_single(Buddy& b, u32 number) {
    Frame& frame = frame_at(number);
    frame.state = FrameState::Block;
    frame.order = 0;
    frame.next = b.hot;
    b.hot = number;
    b.hot_count++;
    b.free++;
    if (b.hot_count > kHotLimit) b.drain_hot(kHotLimit / 2);
}

[[noreturn]] void bad_release(PhysAddr frame) {
    panic("frame %#lx released more often than taken", static_cast<unsigned long>(frame.raw()));
}

}  // namespace

Frame* find_frame(u32 number) {
    const Buddy& b = buddy.unlocked();
    for (u32 i = 0; i < b.zone_count; i++) {
        const Zone& zone = b.zones[i];
        if (number >= zone.first && number < zone.end) return &zone.frames[number - zone.first];
    }
    return nullptr;
}

void init_frames(std::span<const BootInfo::Range> ram) {
    Buddy& b = buddy.unlocked();
    b = Buddy{};
    page_tables = 0;
    kernel_stacks = 0;
    for (const BootInfo::Range& range : ram) {
        u64 first = align_up(range.base.raw(), kPageSize) >> kPageShift;
        u64 end = (range.base.raw() + range.size) >> kPageShift;
        if (first == 0) first = 1;  // number 0 means none
        if (end < first + kMinZoneFrames) continue;
        Zone zone{.first = static_cast<u32>(first), .end = static_cast<u32>(end)};
        u32 at = b.zone_count;
        while (at > 0 && b.zones[at - 1].end - b.zones[at - 1].first < zone.end - zone.first) at--;
        if (at == kMaxZones) continue;
        if (b.zone_count < kMaxZones) b.zone_count++;
        for (u32 i = b.zone_count - 1; i > at; i--) b.zones[i] = b.zones[i - 1];
        b.zones[at] = zone;
    }
    for (u32 i = 0; i < b.zone_count; i++) {
        Zone& zone = b.zones[i];
        u32 frames = zone.end - zone.first;
        u32 metadata = static_cast<u32>(align_up(u64{frames} * sizeof(Frame), kPageSize) >> kPageShift);
        zone.frames = static_cast<Frame*>(arch::phys_to_virt(frame_address(zone.first)));
        zone.first += metadata;
        zone.untouched = zone.first;
        b.total += frames - metadata;
    }
    b.free = b.total;
    b.reserve = std::clamp<u64>(b.total / 128, 32, 1024);
    Result<PhysAddr> frame = take_frames(0, Reserve::Use);
    if (!frame) panic("no usable memory");
    zeros = *frame;
    frame_at(frame_number(zeros)).state = FrameState::Reserved;
    zero(zeros, 0);
    use_warm_tables(arch::build() == abi::control::Build::Flat);
}

namespace {

Result<PhysAddr> take_free_frames(u32 order, Reserve reserve) {
    auto b = buddy.lock();
    u64 kept = reserve == Reserve::Use ? 0 : b->reserve;
    if (b->free < kept + (u64{1} << order)) return fail(Errno::kENOMEM);
    u32 number = b->take(order);
    if (number == 0) return fail(Errno::kENOMEM);
    b->free -= u64{1} << order;
    frame_at(number) = {
        .next = 0, .prev = 0, .refs = 1, .state = FrameState::Block, .order = static_cast<u8>(order)};
    return frame_address(number);
}

}  // namespace

Result<PhysAddr> take_frames(u32 order, Reserve reserve) {
    if (order > kMaxOrder) return fail(Errno::kENOMEM);
    Result<PhysAddr> taken = take_free_frames(order, reserve);
    if (taken || trim_warm_tables() == 0) return taken;
    return take_free_frames(order, reserve);
}

Result<PhysAddr> alloc_frames(u32 order, Zero zeroed) {
    Result<PhysAddr> taken = take_frames(order, Reserve::Keep);
    if (!taken && heap_trim() > 0) taken = take_frames(order, Reserve::Keep);
    PhysAddr base = TRY(taken);
    if (zeroed == Zero::Yes) zero(base, order);
    return base;
}

Result<PhysAddr> alloc_frame(Zero zeroed) { return alloc_frames(0, zeroed); }

void free_frames(PhysAddr base, u32 order) {
    u32 number = frame_number(base);
    auto b = buddy.lock();
    Frame& frame = frame_at(number);
    if (frame.state == FrameState::Free || frame.order != order) bad_release(base);
    frame.state = FrameState::Block;
    b->free += u64{1} << order;
    b->merge(number, order);
}

void ref_frame(PhysAddr frame) {
    Frame* f = find_frame(frame_number(frame));
    if (!f || f->state == FrameState::Reserved) return;
    __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
}

void unref_frame(PhysAddr frame) {
    Frame* f = find_frame(frame_number(frame));
    if (!f || f->state == FrameState::Reserved) return;
    u32 before = __atomic_fetch_sub(&f->refs, 1, __ATOMIC_ACQ_REL);
    if (before == 0) bad_release(frame);
    if (before == 1) release_single(*buddy.lock(), frame_number(frame));
}

u32 frame_refs(PhysAddr frame) {
    Frame* f = find_frame(frame_number(frame));
    if (!f || f->state == FrameState::Reserved) return ~0u;
    return __atomic_load_n(&f->refs, __ATOMIC_ACQUIRE);
}

void free_frame_chain(u32 first) {
    if (!first) return;
    auto b = buddy.lock();
    while (first) {
        u32 next = frame_at(first).next;
        frame_at(first).refs = 0;
        release_single(*b, first);
        first = next;
    }
}

void split_frames(PhysAddr base, u32 order) {
    u32 number = frame_number(base);
    Frame* frames = find_frame(number);  // blocks never cross zones
    for (u32 i = 0; i < 1u << order; i++)
        frames[i] = {.next = 0, .prev = 0, .refs = 1, .state = FrameState::Block, .order = 0};
}

PhysAddr zero_frame() { return zeros; }

Result<PhysAddr> alloc_page_table_frame() {
    PhysAddr frame = TRY(take_frames(0, Reserve::Use));
    zero(frame, 0);
    page_tables.fetch_add(1, std::memory_order_relaxed);
    return frame;
}

void free_page_table_frame(PhysAddr frame) {
    page_tables.fetch_sub(1, std::memory_order_relaxed);
    unref_frame(frame);
}

void account_kernel_stack(i64 frames) {
    kernel_stacks.fetch_add(static_cast<u64>(frames), std::memory_order_relaxed);
}

FrameStats frame_stats() {
    WarmStats warm = warm_stats();
    auto b = buddy.lock();
    return {b->total, b->free + warm.pages + warm.tables, page_tables.load() - warm.tables,
            kernel_stacks.load()};
}

}  // namespace astra::mm
