// The ELF reader.
#include "guest_kernel/sched/elf.hpp"

#include "guest_kernel/arch/arch.hpp"

namespace astra::elf {

namespace {

struct Header {
    u8 magic[4], klass, data, ident_version, osabi, padding[8];
    u16 type, machine;
    u32 version;
    u64 entry, program_headers, section_headers;
    u32 flags;
    u16 header_size, program_header_size, program_header_count, section_header_size, section_header_count,
        section_names;
};
struct ProgramHeader {
    u32 type, flags;
    u64 offset, address, physical, file_size, memory_size, align;
};
struct NoteHeader {
    u32 name_size, descriptor_size, type;
};
static_assert(sizeof(Header) == 64 && sizeof(ProgramHeader) == kProgramHeaderSize);

constexpr u8 kMagic[] = {0x7f, 'E', 'L', 'F'};
constexpr u8 kClass64 = 2, kLittleEndian = 1;
constexpr u16 kTypeExec = 2, kTypeDyn = 3, kMachineX86_64 = 62;
enum : u32 { kLoad = 1, kInterp = 3, kNote = 4, kPhdr = 6, kGnuStack = 0x6474e551 };
enum : u32 { kFlagExecute = 1, kFlagWrite = 2, kFlagRead = 4 };
constexpr usize kMostHeaders = 65536 / kProgramHeaderSize;  // as Linux: the table fits 64 KiB
constexpr usize kMostInterpreter = 4096;                    // PATH_MAX
constexpr usize kMostNotes = 4096;                          // bytes of one note segment that are looked at
constexpr char kAstraOwner[] = "ASTRA";

template <class T>
std::span<u8> bytes_of(T& object) {
    return {reinterpret_cast<u8*>(&object), sizeof object};
}

Result<Header> read_header(Source& source) {
    Header h;
    TRY(source.read(0, bytes_of(h)));
    bool right = is_elf(h.magic) && h.klass == kClass64 && h.data == kLittleEndian &&
                 h.machine == kMachineX86_64 && (h.type == kTypeExec || h.type == kTypeDyn) &&
                 h.program_header_size == kProgramHeaderSize && h.program_header_count > 0 &&
                 h.program_header_count <= kMostHeaders;
    if (!right) return fail(Errno::kENOEXEC);
    return h;
}

u32 to_prot(u32 flags) {
    return (flags & kFlagRead ? 1u : 0) | (flags & kFlagWrite ? 2u : 0) | (flags & kFlagExecute ? 4u : 0);
}

// True when [start, start+length) neither wraps nor leaves the program half.
bool fits_user(u64 start, u64 length) { return start <= arch::kUserEnd && length <= arch::kUserEnd - start; }

Result<void> add_segment(Image& image, const ProgramHeader& p) {
    if (p.memory_size == 0) return {};
    bool sane = p.file_size <= p.memory_size && fits_user(p.address, p.memory_size) &&
                p.offset <= ~u64{0} - p.file_size && (p.address - p.offset) % kPageSize == 0;
    // In order of address, as the gABI wants them.
    if (!image.segments.empty()) {
        const Segment& last = image.segments.back();
        sane = sane && p.address >= last.address + last.memory_size;
    }
    if (!sane) return fail(Errno::kENOEXEC);
    if (image.segments.empty()) image.low = align_down(p.address, kPageSize);
    image.high = align_up(p.address + p.memory_size, kPageSize);
    if (p.align > image.alignment) image.alignment = p.align;
    return image.segments.push_back({p.address, p.offset, p.file_size, p.memory_size, to_prot(p.flags)});
}

Result<void> read_interpreter(Image& image, Source& source, const ProgramHeader& p) {
    if (!image.interpreter.empty()) return {};  // the first one counts
    if (p.file_size < 2 || p.file_size > kMostInterpreter) return fail(Errno::kENOEXEC);
    TRY(image.interpreter.resize(p.file_size));
    TRY(source.read(p.offset, {reinterpret_cast<u8*>(image.interpreter.data()), p.file_size}));
    if (image.interpreter.view().find('\0') != p.file_size - 1) return fail(Errno::kENOEXEC);
    return image.interpreter.resize(p.file_size - 1);
}

Result<void> read_notes(Image& image, Source& source, const ProgramHeader& p) {
    usize size = p.file_size < kMostNotes ? p.file_size : kMostNotes;
    Vector<u8> notes;
    TRY(notes.resize(size));
    TRY(source.read(p.offset, {notes.data(), size}));
    for (u64 at = 0; at + sizeof(NoteHeader) <= size;) {
        NoteHeader note;
        __builtin_memcpy(&note, notes.data() + at, sizeof note);
        at += sizeof note;
        if (note.name_size > size - at) break;
        if (note.name_size == sizeof kAstraOwner &&
            !__builtin_memcmp(notes.data() + at, kAstraOwner, sizeof kAstraOwner))
            image.astra_abi = true;
        at += align_up(note.name_size, 4) + align_up(note.descriptor_size, 4);
    }
    return {};
}

Result<void> read_program_header(Image& image, Source& source, const ProgramHeader& p) {
    switch (p.type) {
        case kLoad: return add_segment(image, p);
        case kInterp: return read_interpreter(image, source, p);
        case kNote: return read_notes(image, source, p);
        case kGnuStack: image.executable_stack = p.flags & kFlagExecute; return {};
        case kPhdr: image.program_headers = p.address; return {};
        default: return {};
    }
}

// Without PT_PHDR the table is where the segment that contains its file bytes puts it.
u64 find_program_headers(const Image& image, const Header& h) {
    u64 size = u64{h.program_header_count} * kProgramHeaderSize;
    for (const Segment& s : image.segments)
        if (h.program_headers >= s.file_offset && h.program_headers - s.file_offset <= s.file_size &&
            s.file_size - (h.program_headers - s.file_offset) >= size)
            return s.address + (h.program_headers - s.file_offset);
    return 0;
}

}  // namespace

bool is_elf(std::span<const u8> head) {
    return head.size() >= sizeof kMagic && !__builtin_memcmp(head.data(), kMagic, sizeof kMagic);
}

Result<Image> parse(Source& source) {
    Header header = TRY(read_header(source));
    Vector<ProgramHeader> table;
    TRY(table.resize(header.program_header_count));
    TRY(source.read(header.program_headers,
                    {reinterpret_cast<u8*>(table.data()), table.size() * sizeof(ProgramHeader)}));
    Image image;
    image.kind = header.type == kTypeExec ? Kind::Fixed : Kind::Relocatable;
    image.entry = header.entry;
    image.program_header_count = header.program_header_count;
    image.alignment = kPageSize;
    for (const ProgramHeader& p : table) TRY(read_program_header(image, source, p));
    if (image.segments.empty() || image.entry >= arch::kUserEnd) return fail(Errno::kENOEXEC);
    if (image.alignment & (image.alignment - 1) || image.alignment > u64{1} << 30)
        image.alignment = kPageSize;
    if (!image.program_headers) image.program_headers = find_program_headers(image, header);
    return image;
}

}  // namespace astra::elf
