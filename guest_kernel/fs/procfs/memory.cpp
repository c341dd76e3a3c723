// Files about a process's memory: maps, smaps, and what exec put on its stack (proc(5)).
#include "guest_kernel/fs/file.hpp"
#include "guest_kernel/fs/procfs/files.hpp"

namespace astra::fs::procfs {

namespace {

Result<Ref<mm::AddressSpace>> space_of(const Subject& subject) {
    Ref<sched::Process> process = TRY(private_process_of(subject));
    return process->space_ref();
}

Result<void> add_area(const mm::AreaInfo& area, Text& text) {
    constexpr usize kNameColumn = 73;  // Linux pads to it: 25 + 6 * sizeof(void*) - 1
    usize before = text.size();
    mm::PageSource::Identity from{0, 0};
    // Shared anonymous memory has a source, but no file that was mapped.
    bool file = area.source && area.name.empty();
    if (file) from = area.source->identity();
    text.add("%08zx-%08zx %c%c%c%c %08zx %02x:%02x %zu ", usize{area.start.raw()}, usize{area.end.raw()},
             area.prot & mm::kProtRead ? 'r' : '-', area.prot & mm::kProtWrite ? 'w' : '-',
             area.prot & mm::kProtExec ? 'x' : '-', area.shared ? 's' : 'p', file ? usize{area.offset} : 0,
             device_major(from.device), device_minor(from.device), usize{from.inode});
    String name;
    if (area.keep)
        name = TRY(static_cast<File&>(*area.keep).describe());
    else if (file)
        name = TRY(String::from("/dev/zero (deleted)"));
    else
        name = TRY(String::from(area.name));
    if (!name.empty()) {
        for (usize column = text.size() - before; column < kNameColumn; column++) text.append(" ");
        text.append(name);
    }
    text.append("\n");
    return {};
}

/// What smaps tells of one area, or smaps_rollup of all.
struct Sums {
    usize size = 0, resident = 0, shared = 0, anonymous = 0;  // KiB
    void add(const mm::AreaInfo& area) {
        usize pages = area.resident_pages * (kPageSize / 1024);
        size += (area.end - area.start) / 1024;
        resident += pages;
        shared += area.shared ? pages : 0;
        anonymous += area.source ? 0 : pages;
    }
    void add_to(Text& text) const {
        text.add("Rss:            %8zu kB\nPss:            %8zu kB\n", resident, resident);
        text.add("Shared_Clean:   %8u kB\nShared_Dirty:   %8zu kB\n", 0, shared);
        text.add("Private_Clean:  %8u kB\nPrivate_Dirty:  %8zu kB\n", 0, resident - shared);
        text.add("Referenced:     %8zu kB\nAnonymous:      %8zu kB\n", resident, anonymous);
        text.add("Swap:           %8u kB\nSwapPss:        %8u kB\nLocked:         %8u kB\n", 0, 0, 0);
    }
};

Result<void> show_areas(const Subject& subject, Text& text, bool detailed) {
    Ref<mm::AddressSpace> space = TRY(space_of(subject));
    if (!space) return {};  // a zombie
    Vector<mm::AreaInfo> areas;
    TRY(space->list(areas));
    for (const mm::AreaInfo& area : areas) {
        TRY(add_area(area, text));
        if (!detailed) continue;
        Sums sums;
        sums.add(area);
        text.add("Size:           %8zu kB\nKernelPageSize: %8u kB\nMMUPageSize:    %8u kB\n", sums.size, 4,
                 4);
        sums.add_to(text);
    }
    return {};
}

/// Appends the program's memory [from, to), as far as it can be read.
Result<void> add_bytes(mm::AddressSpace& space, UserAddr from, UserAddr to, Text& text) {
    u8 bytes[512];
    while (from < to) {
        usize wanted = to - from < sizeof bytes ? to - from : sizeof bytes;
        auto done = space.peek(from, {bytes, wanted});
        if (!done) return {};
        text.append({reinterpret_cast<const char*>(bytes), *done});
        if (*done < wanted) return {};
        from += wanted;
    }
    return {};
}

}  // namespace

Result<void> show_maps(const Subject& subject, Text& text) { return show_areas(subject, text, false); }
Result<void> show_smaps(const Subject& subject, Text& text) { return show_areas(subject, text, true); }

Result<void> show_smaps_rollup(const Subject& subject, Text& text) {
    Ref<mm::AddressSpace> space = TRY(space_of(subject));
    if (!space) return fail(Errno::kESRCH);
    Vector<mm::AreaInfo> areas;
    TRY(space->list(areas));
    Sums sums;
    for (const mm::AreaInfo& area : areas) sums.add(area);
    if (!areas.empty())
        text.add("%08zx-%08zx ---p 00000000 00:00 0 %33s[rollup]\n", usize{areas[0].start.raw()},
                 usize{areas[areas.size() - 1].end.raw()}, "");
    sums.add_to(text);
    return {};
}

// Eight bytes a page: bit 63 present, bit 61 a file's or shared (Linux Documentation/admin-guide/mm/pagemap).
// Where pages lie in memory is told to nobody.
Result<usize> read_page_map(const Subject& subject, Buffer& to, u64 offset) {
    constexpr u64 kPresent = u64{1} << 63, kOfFile = u64{1} << 61;
    constexpr usize kMost = 512;
    if (offset % sizeof(u64) || to.remaining() % sizeof(u64)) return fail(Errno::kEINVAL);
    Ref<mm::AddressSpace> space = TRY(space_of(subject));
    u64 first = offset / sizeof(u64), count = to.remaining() / sizeof(u64);
    u64 last_page = (u64{1} << 47) >> kPageShift;
    if (!space || first >= last_page) return 0;
    if (count > kMost) count = kMost;
    if (count > last_page - first) count = last_page - first;
    u64 entries[kMost] = {};
    Vector<mm::AreaInfo> areas;
    TRY(space->list(areas));
    for (const mm::AreaInfo& area : areas) {
        u64 from = area.start.raw() >> kPageShift, end = area.end.raw() >> kPageShift;
        if (from < first) from = first;
        if (end > first + count) end = first + count;
        if (from >= end) continue;
        Vector<u8> present;
        TRY(space->resident(UserAddr(from << kPageShift), (end - from) << kPageShift, present));
        for (u64 page = from; page < end; page++)
            if (present[page - from] & 1) entries[page - first] = kPresent | (area.source ? kOfFile : 0);
    }
    return to.put({reinterpret_cast<const u8*>(entries), count * sizeof(u64)});
}

Result<void> show_arguments(const Subject& subject, Text& text) {
    // Everyone may read it: ps shows it.
    Ref<mm::AddressSpace> space = TRY(process_of(subject))->space_ref();
    return space ? add_bytes(*space, space->layout.args_start, space->layout.args_end, text) : Result<void>{};
}

Result<void> show_environment(const Subject& subject, Text& text) {
    Ref<mm::AddressSpace> space = TRY(space_of(subject));
    return space ? add_bytes(*space, space->layout.env_start, space->layout.env_end, text) : Result<void>{};
}

// The offset is the address. Short at the first page that is not there; EIO when that is the first.
Result<usize> read_memory(const Subject& subject, Buffer& to, u64 offset) {
    Ref<mm::AddressSpace> space = TRY(space_of(subject));
    usize done = 0;
    u8 bytes[512];
    while (space && to.remaining()) {
        usize wanted = to.remaining() < sizeof bytes ? to.remaining() : sizeof bytes;
        auto got = space->peek(UserAddr(offset + done), {bytes, wanted});
        if (!got) return done ? Result<usize>(done) : fail(Errno::kEIO);
        done += TRY(to.put({bytes, *got}));
        if (*got < wanted) break;
    }
    return done;
}

Result<usize> write_memory(const Subject& subject, Buffer& from, u64 offset) {
    Ref<mm::AddressSpace> space = TRY(space_of(subject));
    usize done = 0;
    u8 bytes[512];
    while (space && from.remaining()) {
        usize wanted = TRY(from.take(bytes));
        auto put = space->poke(UserAddr(offset + done), {bytes, wanted});
        if (!put) return done ? Result<usize>(done) : fail(Errno::kEIO);
        done += *put;
        if (*put < wanted) break;
    }
    return done;
}

// The auxiliary vector lies above the environment's pointers, where exec put it: argc, argv, 0, environ, 0,
// then pairs up to type 0 (System V ABI AMD64, figure 3.9).
Result<void> show_auxv(const Subject& subject, Text& text) {
    Ref<mm::AddressSpace> space = TRY(space_of(subject));
    if (!space) return {};
    UserAddr at = space->layout.stack_top, end = space->layout.args_start;
    auto word = [&]() -> Result<u64> {
        u64 value = 0;
        if (at >= end) return fail(Errno::kEIO);
        if (TRY(space->peek(at, {reinterpret_cast<u8*>(&value), sizeof value})) != sizeof value)
            return fail(Errno::kEIO);
        at += sizeof value;
        return value;
    };
    TRY(word());  // argc
    for (int lists = 0; lists < 2; lists++)
        while (TRY(word()) != 0) {}
    for (u64 type = 1; type != 0;) {
        u64 pair[2] = {TRY(word()), TRY(word())};
        type = pair[0];
        text.append({reinterpret_cast<const char*>(pair), sizeof pair});
    }
    return {};
}

}  // namespace astra::fs::procfs
