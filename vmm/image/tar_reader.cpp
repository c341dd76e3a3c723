// TarReader on libarchive's read API (archive_read(3), archive_entry(3)).
#include "vmm/image/tar_reader.hpp"

#include <archive_entry.h>
#include <unistd.h>
#include <clocale>

#include <algorithm>
#include <array>
#include <vector>

#include "vmm/image/path.hpp"

namespace astra::vmm::image {

namespace {

/// Makes UTF-8 the calling thread's character set while it lives: libarchive converts PAX names to the
/// locale's set, and in the "C" locale would lose what is not ASCII.
class Utf8Locale {
  public:
    Utf8Locale() : previous_(::uselocale(utf8())) {}
    ~Utf8Locale() { ::uselocale(previous_); }
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;

  private:
    static locale_t utf8() {
        static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
        return locale;  // 0 where it is missing: uselocale then changes nothing, and lossy names are refused
                        // below
    }
    locale_t previous_;
};

std::optional<Kind> kind_of(mode_t type) {
    switch (type) {
        case AE_IFREG: return Kind::Regular;
        case AE_IFDIR: return Kind::Directory;
        case AE_IFLNK: return Kind::Symlink;
        case AE_IFCHR: return Kind::CharDevice;
        case AE_IFBLK: return Kind::BlockDevice;
        case AE_IFIFO: return Kind::Fifo;
        default: return std::nullopt;
    }
}

constexpr usize kBufferBytes = 256 * 1024;

}  // namespace

std::unexpected<Error> archive_failure(archive* reader) {
    const char* text = archive_error_string(reader);
    if (text && std::string_view(text) == "Unrecognized archive format")
        return fail(Code::InvalidArgument, "not a tar archive",
                    "give a tar file, plain or compressed with gzip, xz or zstd");
    return fail(Code::Corrupt, text ? text : "damaged", "make or download the archive again");
}

/// What libarchive's callbacks work on: pread() at an own position, so that several readers can share a
/// descriptor.
struct TarReader::Source {
    int fd;
    u64 size;
    u64 position = 0;
    std::vector<u8> buffer = std::vector<u8>(kBufferBytes);

    static la_ssize_t read(archive* reader, void* self, const void** out) {
        auto& s = *static_cast<Source*>(self);
        *out = s.buffer.data();
        ssize_t n;
        do
            n = ::pread(s.fd, s.buffer.data(), std::min<u64>(kBufferBytes, s.size - s.position),
                        static_cast<off_t>(s.position));
        while (n < 0 && errno == EINTR);
        if (n < 0) archive_set_error(reader, errno, "%s", std::strerror(errno));
        if (n > 0) s.position += static_cast<u64>(n);
        return n;
    }
    // Never past the end: a truncated member must be noticed.
    static la_int64_t skip(archive*, void* self, la_int64_t request) {
        auto& s = *static_cast<Source*>(self);
        u64 step = std::min<u64>(static_cast<u64>(request), s.size - s.position);
        s.position += step;
        return static_cast<la_int64_t>(step);
    }
};

void TarReader::SourceFree::operator()(Source* source) const { delete source; }

TarReader::TarReader(std::unique_ptr<Source> source, ArchivePtr reader)
    : source_(source.release()), reader_(std::move(reader)) {}

Result<TarReader> TarReader::open(int fd, u64 size) {
    Utf8Locale locale;
    auto source = std::make_unique<Source>(Source{.fd = fd, .size = size});
    ArchivePtr reader(archive_read_new());
    if (!reader) return fail(Code::ResourceExhausted, "out of memory");
    archive_read_support_format_tar(reader.get());
    archive_read_set_read_callback(reader.get(), Source::read);
    archive_read_set_skip_callback(reader.get(), Source::skip);
    archive_read_set_callback_data(reader.get(), source.get());
    if (archive_read_open1(reader.get()) != ARCHIVE_OK) return archive_failure(reader.get());
    return TarReader(std::move(source), std::move(reader));
}

u64 TarReader::position() const { return static_cast<u64>(archive_filter_bytes(reader_.get(), 0)); }

Result<std::optional<Member>> TarReader::end_of_archive(u64 last_member_end) {
    // A TAR ends with zero blocks (POSIX.1-2017 pax, "ustar Interchange Format"); libarchive would take a
    // file that was cut between two members for a whole one.
    if (position() == last_member_end)
        return fail(Code::Corrupt, "ends without an end-of-archive mark: it is truncated",
                    "make or download the archive again");
    return std::nullopt;
}

Result<std::optional<Member>> TarReader::next() {
    Utf8Locale locale;
    if (any_ && archive_read_data_skip(reader_.get()) < ARCHIVE_WARN) return archive_failure(reader_.get());
    u64 before = position();
    archive_entry* entry = nullptr;
    int status = archive_read_next_header(reader_.get(), &entry);
    if (status == ARCHIVE_EOF) return end_of_archive(before);
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return archive_failure(reader_.get());
    any_ = true;
    // A warning is about names that do not convert, which would alter them, or about metadata we do not keep.
    if (status == ARCHIVE_WARN) {
        std::string_view text = archive_error_string(reader_.get());
        if (text.starts_with("Pathname") || text.starts_with("Linkname"))
            return fail(Code::InvalidArgument, "a name is not valid UTF-8");
    }
    Member member;
    const char* path = archive_entry_pathname(entry);
    if (!path) return fail(Code::InvalidArgument, "a member has no readable name");
    member.path = path;
    if (const char* link = archive_entry_hardlink(entry)) {
        member.kind = Kind::HardLink;
        member.target = link;
        return member;
    }
    std::optional<Kind> kind = kind_of(archive_entry_filetype(entry));
    if (!kind) return fail(Code::InvalidArgument, printable(member.path) + ": unsupported type of member");
    member.kind = *kind;
    if (const char* link = archive_entry_symlink(entry)) member.target = link;
    member.permissions = archive_entry_perm(entry);
    la_int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    if (uid < 0 || gid < 0 || uid > UINT32_MAX || gid > UINT32_MAX)
        return fail(Code::InvalidArgument, printable(member.path) + ": owner or group out of range");
    member.uid = static_cast<u32>(uid);
    member.gid = static_cast<u32>(gid);
    if (*kind == Kind::Regular) member.size = static_cast<u64>(archive_entry_size(entry));
    member.mtime_sec = archive_entry_mtime(entry);
    member.mtime_nsec = static_cast<u32>(archive_entry_mtime_nsec(entry));
    if (*kind == Kind::CharDevice || *kind == Kind::BlockDevice) {
        u64 major = archive_entry_rdevmajor(entry), minor = archive_entry_rdevminor(entry);
        if (major > 0xfff || minor > 0xfffff)
            return fail(Code::InvalidArgument, printable(member.path) + ": device number out of range");
        member.rdev = static_cast<u32>(major << 20 | minor);
    }
    return member;
}

Result<void> TarReader::read_data(u64 size, const ByteSink& sink) {
    static constexpr std::array<u8, 64 * 1024> kZeros{};
    auto fill = [&](u64 count) -> Result<void> {
        for (; count > 0; count -= std::min<u64>(count, kZeros.size()))
            TRY(sink({kZeros.data(), std::min<usize>(count, kZeros.size())}));
        return {};
    };
    u64 written = 0;
    for (;;) {
        const void* data = nullptr;
        size_t length = 0;
        la_int64_t offset = 0;
        int status = archive_read_data_block(reader_.get(), &data, &length, &offset);
        if (status == ARCHIVE_EOF) break;
        if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return archive_failure(reader_.get());
        if (static_cast<u64>(offset) < written || static_cast<u64>(offset) > size ||
            length > size - static_cast<u64>(offset))
            return fail(Code::Corrupt, "a member's data does not fit its size");
        TRY(fill(static_cast<u64>(offset) - written));
        TRY(sink({static_cast<const u8*>(data), length}));
        written = static_cast<u64>(offset) + length;
    }
    return fill(size - written);
}

}  // namespace astra::vmm::image
