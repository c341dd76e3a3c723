// What the program must know of ELF headers: its own and the vDSO's (System V ABI, chapters 4 and 5).
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

struct Symbol {
    u32 name;
    u8 info, other;
    u16 section;
    u64 value, size;
};

inline constexpr u32 kLoad = 1, kDynamic = 2, kTls = 7;  // PT_LOAD, PT_DYNAMIC, PT_TLS
inline constexpr i64 kHash = 4, kStringTable = 5, kSymbolTable = 6, kRela = 7,
                     kRelaSize = 8;             // DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ
inline constexpr u32 kRelative = 8;             // R_X86_64_RELATIVE
inline constexpr u16 kPositionIndependent = 3;  // ET_DYN

}  // namespace astra::start

extern "C" const astra::start::ElfHeader __ehdr_start __attribute__((visibility("hidden")));

namespace astra::start {

/// What to add to the addresses in the headers: 0 for a program with fixed addresses.
inline u64 load_address() {
    return __ehdr_start.type == kPositionIndependent ? reinterpret_cast<u64>(&__ehdr_start) : 0;
}

/// The header of this type in an ELF image that lies in memory, the program's own unless told; or null.
inline const ProgramHeader* program_header(u32 type, const ElfHeader& image = __ehdr_start) {
    auto* header = reinterpret_cast<const ProgramHeader*>(reinterpret_cast<const u8*>(&image) + image.phoff);
    for (u16 i = 0; i < image.phnum; i++)
        if (header[i].type == type) return &header[i];
    return nullptr;
}

}  // namespace astra::start
