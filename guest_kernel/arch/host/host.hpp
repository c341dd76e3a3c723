// The arch contract on a development host, for unit tests: one CPU, an arena instead of RAM, and hooks with
// which a test plays the part of the hardware and of the program.
#pragma once
#include "guest_kernel/arch/upcalls.hpp"

namespace astra::arch::host {

/// Guest-physical RAM behind the arena. Give it to mm::init_frames.
inline constexpr BootInfo::Range kRam = {PhysAddr(0x100'0000), 64 << 20};
/// Makes `bytes` (page-aligned, alive as long as it is used) readable at guest-physical `base`, outside kRam:
/// the image slot.
void attach(PhysAddr base, std::span<u8> bytes);

/// Moves now_ns() forward.
void advance_clock(u64 ns);
/// The armed deadline, 0 when disarmed.
u64 armed_deadline();
/// Runs the handler install_irq was given for `line`; nothing when there is none.
void raise_irq(u32 line);

/// A program's access to `count` bytes on the active address space: faults go to handle_page_fault as from
/// user mode, as often as they resolve something. False when one cannot be resolved. Like the CPU it
/// remembers translations until flush_tlb or a switch of tables, so a missing flush is seen as stale data.
enum class Access { Read, Write, Execute };
bool program_read(UserAddr from, void* to, usize count);
bool program_write(UserAddr to, const void* from, usize count);
bool program_touch(UserAddr at, Access access);

/// Calls of flush_tlb so far.
u64 tlb_flushes();

// Between the files of this directory.
/// One page of the active tables for an access, null when it faults and stays unresolved. `from_user` as in
/// FaultInfo.
u8* reach(UserAddr at, Access access, bool from_user);
/// Makes `root` the active tables and forgets all translations.
void load_root(PhysAddr root);
/// The arena's file and where `address` lies in it, for further mappings of the same frames.
struct ArenaPlace {
    int fd;
    u64 offset;
};
ArenaPlace arena_place(PhysAddr address);

}  // namespace astra::arch::host
