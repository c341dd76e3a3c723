// The ELF loader: reads each header once into a copy, then believes nothing in it before checking.
#include "vmm/boot/elf_loader.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "guest_kernel/abi/pvh.hpp"

namespace astra::vmm {

namespace {

std::unexpected<Error> corrupt(std::string reason) {
    return fail(Code::Corrupt, "kernel: " + std::move(reason),
                "give a kernel built for this VMM (kernel-*.elf)");
}

/// [offset, offset + size) of `file`, or nullopt when it reaches beyond it.
std::optional<std::span<const u8>> slice(std::span<const u8> file, u64 offset, u64 size) {
    if (offset > file.size() || size > file.size() - offset) return std::nullopt;
    return file.subspan(offset, size);
}

template <class T>
std::optional<T> read_object(std::span<const u8> file, u64 offset) {
    auto bytes = slice(file, offset, sizeof(T));
    if (!bytes) return std::nullopt;
    T object;
    std::memcpy(&object, bytes->data(), sizeof object);
    return object;
}

Result<Elf64_Ehdr> read_header(std::span<const u8> file) {
    auto header = read_object<Elf64_Ehdr>(file, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return corrupt("not an ELF file");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64)
        return corrupt("not a 64-bit x86 ELF file");
    if (header->e_type != ET_EXEC) return corrupt("not an executable with fixed addresses");
    if (header->e_phentsize != sizeof(Elf64_Phdr)) return corrupt("program headers of an unknown size");
    return *header;
}

Result<std::vector<Elf64_Phdr>> read_program_headers(std::span<const u8> file, const Elf64_Ehdr& header) {
    std::vector<Elf64_Phdr> segments(header.e_phnum);
    auto bytes = slice(file, header.e_phoff, segments.size() * sizeof(Elf64_Phdr));
    if (!bytes) return corrupt("program headers reach beyond the file's end");
    if (!segments.empty()) std::memcpy(segments.data(), bytes->data(), bytes->size());
    return segments;
}

/// Looks for the PVH note among the notes of one PT_NOTE segment. No value: not here.
Result<std::optional<u64>> find_entry(std::span<const u8> notes) {
    // Name and descriptor are each padded to 4 bytes (as all producers do, whatever the gABI says of ELF64).
    for (u64 at = 0; at < notes.size();) {
        auto note = read_object<Elf64_Nhdr>(notes, at);
        if (!note) return corrupt("a note reaches beyond its segment");
        u64 name_at = at + sizeof *note;
        u64 value_at = name_at + align_up(note->n_namesz, 4);
        auto name = slice(notes, name_at, note->n_namesz);
        auto value = slice(notes, value_at, note->n_descsz);
        if (!name || !value) return corrupt("a note reaches beyond its segment");
        std::string_view text(reinterpret_cast<const char*>(name->data()), name->size());
        if (note->n_type == abi::pvh::kNotePhys32Entry &&
            text == std::string_view(abi::pvh::kNoteName, sizeof abi::pvh::kNoteName)) {
            if (value->size() != 4 && value->size() != 8) return corrupt("the PVH note has a strange size");
            u64 entry = 0;
            std::memcpy(&entry, value->data(), value->size());
            return entry;
        }
        at = value_at + align_up(note->n_descsz, 4);
    }
    return std::nullopt;
}

/// Where the segment goes in guest memory; checked against everything but the other segments.
Result<std::span<u8>> place(const Elf64_Phdr& segment, const GuestMemory& memory) {
    if (segment.p_filesz > segment.p_memsz)
        return corrupt("a segment has more bytes in the file than in memory");
    auto to = memory.host_span(PhysAddr(segment.p_paddr), segment.p_memsz, true);
    if (segment.p_paddr < kLowestKernel.raw() || to.empty())
        return corrupt(
            fmt::format("a segment of {} bytes at {:#x} does not lie in the guest's memory above {:#x}",
                        segment.p_memsz, segment.p_paddr, kLowestKernel.raw()));
    return to;
}

}  // namespace

Result<LoadedKernel> load_kernel(std::span<const u8> file, const GuestMemory& memory) {
    Elf64_Ehdr header = TRY(read_header(file));
    std::vector<Elf64_Phdr> segments = TRY(read_program_headers(file, header));

    std::optional<u64> entry;
    for (const Elf64_Phdr& segment : segments) {
        if (segment.p_type != PT_NOTE || entry) continue;
        auto notes = slice(file, segment.p_offset, segment.p_filesz);
        if (!notes) return corrupt("notes reach beyond the file's end");
        entry = TRY(find_entry(*notes));
    }
    if (!entry) return corrupt("no PVH entry point (ELF note Xen, type 18)");

    std::erase_if(segments, [](const Elf64_Phdr& s) { return s.p_type != PT_LOAD || s.p_memsz == 0; });
    if (segments.empty()) return corrupt("nothing to load");
    std::ranges::sort(segments, {}, &Elf64_Phdr::p_paddr);
    bool entry_inside = false;
    u64 end = 0;
    for (const Elf64_Phdr& segment : segments) {
        auto to = TRY(place(segment, memory));
        if (segment.p_paddr < end) return corrupt("segments overlap");
        end = segment.p_paddr + segment.p_memsz;
        auto from = slice(file, segment.p_offset, segment.p_filesz);
        if (!from) return corrupt("a segment reaches beyond the file's end");
        std::ranges::copy(*from, to.begin());
        entry_inside |= (segment.p_flags & PF_X) && *entry >= segment.p_paddr && *entry < end;
    }
    if (!entry_inside || *entry > UINT32_MAX)
        return corrupt(fmt::format("its entry point {:#x} is not executable", *entry));
    return LoadedKernel{static_cast<u32>(*entry), PhysAddr(segments.front().p_paddr), PhysAddr(end)};
}

}  // namespace astra::vmm
