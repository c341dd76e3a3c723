// The memory of bridges and detours: 2 MiB that every address space sees at two places, each within a jump's
// reach of other code. What lies there is 32 bytes long, so it crosses no page.
#pragma once
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/layout.h"

namespace astra::arch {

inline constexpr usize kBridgeBytes = 32;
inline constexpr usize kBridgesPerPage = kPageSize / kBridgeBytes;
/// The first page stays unmapped: kUserEnd faults. The next are bridges', the others detours'.
inline constexpr u64 kFirstBridge = kPageSize, kFirstDetour = kFirstBridge + 32 * kPageSize,
                     kBridgesEnd = 512 * kPageSize;
inline constexpr u64 kBridgePlaces[] = {ASTRA_BRIDGES_LOW, ASTRA_BRIDGES_HIGH};

/// jmp rel32.
struct [[gnu::packed]] Jump {
    u8 opcode = 0xe9;
    i32 distance = 0;
};

/// The distance to `target` from `end`, the end of an instruction. ERANGE when none can hold it.
Result<i32> rip_distance(u64 end, u64 target);

/// The bytes at `offset`, below kBridgesEnd, of a page that is there already; null otherwise.
const u8* bridge_bytes(u64 offset);
/// Fills the page at `offset` with int3 if it is not there yet, and gives its bytes at `offset`. Calls must
/// exclude each other. ENOMEM.
Result<u8*> make_bridge_bytes(u64 offset);
inline constexpr u8 kUnusedBridgeByte = 0xcc;

}  // namespace astra::arch
