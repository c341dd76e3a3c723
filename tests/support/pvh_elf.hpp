// Builds small PVH kernels, whole or deliberately broken, for tests of the loader and of the machine.
#pragma once
#include <elf.h>

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "guest_kernel/abi/pvh.hpp"
#include "guest_kernel/base/types.hpp"

namespace astra::test {

/// An ELF64 executable with one PT_LOAD of `code` at `base` and the PVH note. Tests change the fields, then
/// build().
struct PvhElf {
    Elf64_Ehdr header{};
    std::vector<Elf64_Phdr> segments;
    std::vector<u8> note;
    std::vector<u8> code;

    explicit PvhElf(std::vector<u8> program, u64 base = 0x10'0000) : code(std::move(program)) {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_type = ET_EXEC;
        header.e_machine = EM_X86_64;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof(Elf64_Phdr);
        header.e_phnum = 2;
        set_note(abi::pvh::kNoteName, abi::pvh::kNotePhys32Entry, base, 8);
        Elf64_Phdr load{};
        load.p_type = PT_LOAD;
        load.p_flags = PF_R | PF_X;
        load.p_offset = code_offset();
        load.p_paddr = load.p_vaddr = base;
        load.p_filesz = load.p_memsz = code.size();
        Elf64_Phdr notes{};
        notes.p_type = PT_NOTE;
        notes.p_offset = kNoteOffset;
        notes.p_filesz = note.size();
        segments = {load, notes};
    }

    static constexpr u64 kNoteOffset = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);
    [[nodiscard]] u64 code_offset() const { return kNoteOffset + note.size(); }

    /// Replaces the note by one with the first `bytes` bytes of `value` as its descriptor.
    void set_note(const char* name, u32 type, u64 value, u32 bytes) {
        Elf64_Nhdr head{static_cast<u32>(std::strlen(name) + 1), bytes, type};
        note.assign(sizeof head + align_up(head.n_namesz, 4) + align_up(bytes, 4), 0);
        std::memcpy(note.data(), &head, sizeof head);
        std::memcpy(note.data() + sizeof head, name, head.n_namesz);
        std::memcpy(note.data() + sizeof head + align_up(head.n_namesz, 4), &value, bytes);
    }

    [[nodiscard]] std::vector<u8> build() const {
        std::vector<u8> file(kNoteOffset);
        std::memcpy(file.data(), &header, sizeof header);
        std::memcpy(file.data() + sizeof header, segments.data(), segments.size() * sizeof segments[0]);
        file.insert(file.end(), note.begin(), note.end());
        file.insert(file.end(), code.begin(), code.end());
        return file;
    }
};

}  // namespace astra::test
