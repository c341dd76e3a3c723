// What a boot loader hands a PVH kernel: the x86/HVM direct boot ABI.
// Source: xen/include/public/arch-x86/hvm/start_info.h, xen/docs/misc/pvh.pandoc.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::abi::pvh {

/// ELF note (name "Xen") whose descriptor is the physical address of the 32-bit entry point.
inline constexpr char kNoteName[] = "Xen";
inline constexpr u32 kNotePhys32Entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY

inline constexpr u32 kStartMagic = 0x336e'c578;
inline constexpr u32 kStartVersion = 1;

/// At the physical address in EBX on entry. All addresses are physical, 0: none.
struct StartInfo {
    u32 magic;
    u32 version;
    u32 flags;
    u32 modules;
    u64 module_list;   // Module[modules]
    u64 command_line;  // NUL-terminated
    u64 rsdp;
    u64 memory_map;  // MemoryRange[memory_ranges]; from version 1 on
    u32 memory_ranges;
    u32 reserved;
};

struct Module {
    u64 address;
    u64 size;  // bytes
    u64 command_line;
    u64 reserved;
};

enum class MemoryType : u32 { Ram = 1, Reserved = 2 };  // as in E820

struct MemoryRange {
    u64 address;
    u64 size;
    MemoryType type;
    u32 reserved;
};

static_assert(sizeof(StartInfo) == 56 && sizeof(Module) == 32 && sizeof(MemoryRange) == 24);

}  // namespace astra::abi::pvh
