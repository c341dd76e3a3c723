// Mapping ELF files.
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/mm/map_flags.hpp"
#include "guest_kernel/sched/program_image.hpp"

namespace astra::sched {

namespace {

// Where position-independent programs go: Linux's ELF_ET_DYN_BASE without randomisation, two thirds up the
// program half. Fixed, so that runs are reproducible.
constexpr u64 kProgramBase = 0x5555'5555'4000;
constexpr u32 kFormat = 0170000, kRegular = 0100000, kLink = 0120000;
constexpr u64 kMountNoExec = 8;  // MS_NOEXEC

class FileSource final : public elf::Source {
  public:
    explicit FileSource(fs::File& file) : file_(file) {}
    Result<void> read(u64 offset, std::span<u8> to) override { return read_program(file_, offset, to); }

  private:
    fs::File& file_;
};

class Mapper {
  public:
    Mapper(mm::AddressSpace& space, Ref<fs::File> file, const elf::Image& image)
        : space_(space), file_(std::move(file)), image_(image) {}

    // Maps all segments; `base` is where a relocatable image should go (0: anywhere). Returns what was added
    // to its addresses.
    Result<u64> map(u64 base) {
        source_ = TRY(file_->page_source());
        u64 bias = TRY(choose_place(base)) - image_.low;
        for (const elf::Segment& segment : image_.segments) TRY(map_segment(segment, bias));
        return bias;
    }

  private:
    // Finds room for the whole span, so that no segment of it lands on something else.
    Result<u64> choose_place(u64 base) {
        bool fixed = image_.kind == elf::Kind::Fixed;
        u64 span = image_.high - image_.low;
        u64 slack = image_.alignment > kPageSize ? image_.alignment : 0;
        mm::MapRequest request;
        request.hint = UserAddr(fixed ? image_.low : align_down(base, image_.alignment));
        request.length = fixed ? span : span + slack;
        request.flags = mm::kMapPrivate | mm::kMapAnonymous | mm::kMapNoReserve |
                        (fixed ? u32{mm::kMapFixedNoReplace} : 0);
        Result<UserAddr> place = space_.map(request);
        if (!place) return fail(place.error() == Errno::kENOMEM ? Errno::kENOMEM : Errno::kENOEXEC);
        TRY(space_.unmap(*place, request.length));
        return fixed ? place->raw() : align_up(place->raw(), image_.alignment);
    }

    Result<void> map_segment(const elf::Segment& segment, u64 bias) {
        u64 start = segment.address + bias;
        u64 file_end = start + segment.file_size, end = align_up(start + segment.memory_size, kPageSize);
        u64 mapped_end = align_down(start, kPageSize);
        if (segment.file_size) {
            if (segment.file_offset + segment.file_size > source_->mapping_size())
                return fail(Errno::kENOEXEC);
            mapped_end = TRY(map_file_part(segment, start));
        }
        if (segment.memory_size == segment.file_size) return {};
        if (file_end < mapped_end && segment.prot & mm::kProtWrite)
            TRY(zero(file_end, mapped_end - file_end));
        if (mapped_end < end) TRY(map_fixed(mapped_end, end - mapped_end, segment.prot, nullptr, 0));
        return {};
    }

    // Returns where its last page ends.
    Result<u64> map_file_part(const elf::Segment& segment, u64 start) {
        u64 first_page = align_down(start, kPageSize), into_page = start - first_page;
        u64 length = align_up(into_page + segment.file_size, kPageSize);
        TRY(map_fixed(first_page, length, segment.prot, source_, segment.file_offset - into_page));
        return first_page + length;
    }

    Result<void> map_fixed(u64 start, u64 length, u32 prot, Ref<mm::PageSource> source, u64 offset) {
        mm::MapRequest request;
        request.hint = UserAddr(start);
        request.length = length;
        request.prot = prot;
        request.flags = mm::kMapPrivate | mm::kMapFixed | (source ? 0 : u32{mm::kMapAnonymous});
        if (source) request.keep = file_;
        request.source = std::move(source);
        request.offset = offset;
        TRY(space_.map(request));
        return {};
    }

    // The file's bytes behind a segment's data in its last page are not the program's.
    Result<void> zero(u64 start, u64 length) {
        static constexpr u8 kZeros[kPageSize] = {};
        usize done = TRY(space_.poke(UserAddr(start), {kZeros, length}));
        return done == length ? Result<void>{} : fail(Errno::kENOEXEC);
    }

    mm::AddressSpace& space_;
    Ref<fs::File> file_;
    const elf::Image& image_;
    Ref<mm::PageSource> source_;
};

Result<void> load_interpreter(mm::AddressSpace& space, std::string_view path, LoadedProgram& program) {
    Ref<fs::File> file = TRY(open_program(fs::root(), path));
    FileSource source(*file);
    elf::Image image = TRY(elf::parse(source));
    if (!image.interpreter.empty()) return fail(Errno::kENOEXEC);
    u64 bias = TRY(Mapper(space, file, image).map(0));
    program.interpreter_base = UserAddr(image.low + bias);
    program.start = UserAddr(image.entry + bias);
    return {};
}

Result<Ref<fs::File>> open_found(const fs::Path& place, fs::Inode& inode) {
    if ((inode.mode() & kFormat) != kRegular) return fail(Errno::kEACCES);
    if (place.mount && place.mount->flags & kMountNoExec) return fail(Errno::kEACCES);
    constexpr u32 kExecute = 1;
    TRY(fs::check_access(inode, kExecute, current_process().credentials()));
    Ref<fs::File> file = TRY(inode.open(place, 0));
    if (place.mount) TRY(file->claim(inode, true));
    return file;
}

}  // namespace

Result<void> read_program(fs::File& file, u64 offset, std::span<u8> to) {
    auto position = static_cast<i64>(offset);
    if (position < 0) return fail(Errno::kENOEXEC);
    fs::KernelBuffer buffer(to);
    while (buffer.remaining()) {
        usize count = TRY(file.read(buffer, &position));
        if (count == 0) return fail(Errno::kENOEXEC);
    }
    return {};
}

Result<Ref<fs::File>> open_program(const fs::Path& base, std::string_view path, bool no_follow) {
    fs::Path found = TRY(fs::resolve(base, path, no_follow ? 0 : u32{fs::kFollow}));
    fs::Inode& inode = *found.dentry->inode;
    if (no_follow && (inode.mode() & kFormat) == kLink) return fail(Errno::kELOOP);
    return open_found(found, inode);
}

Result<Ref<fs::File>> reopen_program(fs::File& file) {
    const fs::Path* place = file.path();
    if (!place || !file.inode()) return fail(Errno::kEACCES);
    return open_found(*place, *file.inode());
}

Result<LoadedProgram> load_program(mm::AddressSpace& space, Ref<fs::File> file) {
    FileSource source(*file);
    elf::Image image = TRY(elf::parse(source));
    u64 bias = TRY(Mapper(space, file, image).map(kProgramBase));
    LoadedProgram program;
    program.entry = program.start = UserAddr(image.entry + bias);
    if (image.program_headers) program.program_headers = UserAddr(image.program_headers + bias);
    program.program_header_count = image.program_header_count;
    program.heap_start = UserAddr(image.high + bias);
    program.abi = image.astra_abi ? Abi::Astra : Abi::Linux;
    program.executable_stack = image.executable_stack;
    const elf::Segment &first = image.segments[0], &last = image.segments.back();
    for (const elf::Segment& segment : image.segments) {
        if (!(segment.prot & mm::kProtExec)) continue;
        space.layout.code_start = UserAddr(segment.address + bias);
        space.layout.code_end = UserAddr(segment.address + segment.file_size + bias);
    }
    space.layout.data_start = UserAddr((image.segments.size() > 1 ? last : first).address + bias);
    space.layout.data_end = UserAddr(last.address + last.file_size + bias);
    if (!image.interpreter.empty()) TRY(load_interpreter(space, image.interpreter, program));
    return program;
}

}  // namespace astra::sched
