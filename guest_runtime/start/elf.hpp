// What the program must know of its own ELF headers (System V ABI, chapters 4 and 5).
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::start {

struct ElfHeader {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct ProgramHeader {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};
struct Dynamic {
    i64 tag;
    u64 value;
};
struct Relocation {
    u64 offset, info, addend;
};

inline constexpr u32 kDynamic = 2, kTls = 7;    // PT_DYNAMIC, PT_TLS
inline constexpr i64 kRela = 7, kRelaSize = 8;  // DT_RELA, DT_RELASZ
inline constexpr u32 kRelative = 8;             // R_X86_64_RELATIVE
inline constexpr u16 kPositionIndependent = 3;  // ET_DYN

}  // namespace astra::start

extern "C" const astra::start::ElfHeader __ehdr_start __attribute__((visibility("hidden")));

namespace astra::start {

/// What to add to the addresses in the headers: 0 for a program with fixed addresses.
inline u64 load_address() {
    return __ehdr_start.type == kPositionIndependent ? reinterpret_cast<u64>(&__ehdr_start) : 0;
}

/// The program's header of this type, or null.
inline const ProgramHeader* program_header(u32 type) {
    auto* header = reinterpret_cast<const ProgramHeader*>(reinterpret_cast<const u8*>(&__ehdr_start) +
                                                          __ehdr_start.phoff);
    for (u16 i = 0; i < __ehdr_start.phnum; i++)
        if (header[i].type == type) return &header[i];
    return nullptr;
}

}  // namespace astra::start
