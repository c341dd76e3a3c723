// Warm page tables: tables that left an address space with their pages in them, kept to serve again. Private
// to mm.
//
// Why. On software KVM (the flat build) the first touch of a page costs some 40 us: half of it the fault's
// trap, half the host's shadow of the entry. A leaf table that is unlinked keeps its shadow, though: linked
// again, its 512 pages cost one fault together. So tables are not emptied when their last area goes, but
// parked with the frames they map, by the 2 MiB ("slot") they served, and the next fault in an empty slot
// looks here first.
//
// Whole trees are kept as well: when a process ends or executes another program, its tables are parked under
// the program's name, apart for those that fork made and those that exec made. The next process of that kind
// starts with them, and with the pages its predecessor touched.
//
// What a parked table may hold: pages of the image (never freed, never changed), and writable pages that no
// one else refers to. All else leaves it as ever. Nothing is believed when it is linked again
// (Operation::renews): every entry must be what a fault would bring in now, with today's areas, or it goes.
// Image pages are compared with the source's; own pages are cleared, or filled from their file, or from the
// process that forks. Which table is taken is therefore only a guess about what a program is going to touch,
// and never a question of correctness.
//
// Accounting. Parked frames are free memory: frame_stats() counts them so, and whoever finds no frame has
// them back (trim_warm_tables) before being told so. Pages that come with a table are resident like any
// other, as if the program had touched them; small anonymous areas (below kWarmPages) take no part, so that
// theirs stay one by one.
#pragma once
#include "guest_kernel/arch/arch.hpp"

namespace astra::mm {

/// Anonymous areas from this size on get a slot of their own where there is room, and come in by groups of
/// pages.
inline constexpr u64 kWarmPages = 32;

/// Turns the parking on, for builds where faults are dear (off until then).
void use_warm_tables(bool on);
[[nodiscard]] bool warm_tables_used();

/// What is parked: a leaf table under the address of its slot, or a tree under the name of its program.
enum class WarmKind : u8 { Leaf, Forked, Executed };
struct WarmName {
    WarmKind kind = WarmKind::Leaf;
    u64 key = 0;
    bool operator==(const WarmName&) const = default;
};

/// Parks a leaf table or the root of a tree, which no TLB knows any more, with the references of the frames
/// it maps. The oldest makes room.
void park_tables(WarmName name, PhysAddr table);
/// What is parked under `name`, the caller's from now on; null when there is none.
PhysAddr take_parked(WarmName name);
/// Gives up tables that are in use nowhere, and their frames.
void free_tables(WarmKind kind, PhysAddr table);
/// True while so much memory is free that some may be kept warm or brought in unasked.
bool is_plentiful();

/// Frees all that is parked. Returns how many frames that were.
u64 trim_warm_tables();
struct WarmStats {
    u64 tables = 0, pages = 0;  // page-table frames, frames of RAM they map
};
WarmStats warm_stats();

}  // namespace astra::mm
