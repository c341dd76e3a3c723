// libarchive's readers and writers, with callbacks for the far end.
#include "cli/remote/archive_stream.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <vector>

#include "cli/messages.hpp"

namespace astra::cli {
namespace {

using control::Code;
using control::fail;
using control::Result;

constexpr size_t kPiece = size_t{256} << 10;

struct Free {
    void operator()(archive* a) const { archive_free(a); }
};
using Archive = std::unique_ptr<archive, Free>;
struct FreeEntry {
    void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

std::unexpected<control::Error> failure(archive* a) {
    const char* text = archive_error_string(a);
    return fail(archive_errno(a) == ENOENT ? Code::NotFound : Code::InvalidArgument,
                text ? text : "archive failure");
}

/// Runs one of libarchive's calls; warnings are said and are no errors.
Result<void> check(int status, archive* a) {
    if (status == ARCHIVE_WARN) say(archive_error_string(a));
    if (status == ARCHIVE_OK || status == ARCHIVE_WARN) return {};
    return failure(a);
}

Result<void> copy_data(archive* from, archive* to) {
    std::vector<char> buffer(kPiece);
    for (;;) {
        la_ssize_t got = archive_read_data(from, buffer.data(), buffer.size());
        if (got < 0) return failure(from);
        if (got == 0) return {};
        if (archive_write_data(to, buffer.data(), static_cast<size_t>(got)) < 0) return failure(to);
    }
}

/// `path` with its first component replaced. Errors: InvalidArgument for one that is absolute or goes up.
Result<std::string> renamed(const std::string& path, const std::string& name) {
    if (path.starts_with('/') || ("/" + path + "/").find("/../") != std::string::npos)
        return fail(Code::InvalidArgument, "the archive has a member outside of itself: " + path);
    size_t slash = path.find('/');
    return slash == path.npos ? name : name + path.substr(slash);
}

Result<void> unpack_entry(archive* from, archive* to, archive_entry* entry, const std::string& name,
                          bool keep_owner) {
    archive_entry_set_pathname(entry, TRY(renamed(archive_entry_pathname(entry), name)).c_str());
    if (const char* target = archive_entry_hardlink(entry))
        archive_entry_set_hardlink(entry, TRY(renamed(target, name)).c_str());
    auto type = archive_entry_filetype(entry);
    if (!keep_owner && (type == S_IFCHR || type == S_IFBLK)) {
        say(std::string(archive_entry_pathname(entry)) + ": a device, left out");
        return {};
    }
    if (!keep_owner) archive_entry_set_perm(entry, archive_entry_perm(entry) & 01777);
    TRY(check(archive_write_header(to, entry), to));
    TRY(copy_data(from, to));
    return check(archive_write_finish_entry(to), to);
}

}  // namespace

Result<void> pack(const std::string& path, const std::string& name, bool keep_owner, const PieceSink& sink) {
    Archive disk(archive_read_disk_new()), tar(archive_write_new());
    std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    archive_read_disk_set_symlink_physical(disk.get());
    archive_read_disk_set_behavior(
        disk.get(), ARCHIVE_READDISK_NO_ACL | ARCHIVE_READDISK_NO_XATTR | ARCHIVE_READDISK_NO_FFLAGS);
    archive_write_set_format_pax_restricted(tar.get());
    auto write = [](archive*, void* to, const void* bytes, size_t count) -> la_ssize_t {
        const auto& take = *static_cast<const PieceSink*>(to);
        return take({static_cast<const char*>(bytes), count}) ? static_cast<la_ssize_t>(count) : -1;
    };
    archive_write_set_bytes_per_block(tar.get(), static_cast<int>(kPiece));
    archive_write_set_bytes_in_last_block(tar.get(), 1);
    TRY(check(archive_write_open(tar.get(), const_cast<PieceSink*>(&sink), nullptr, write, nullptr),
              tar.get()));
    TRY(check(archive_read_disk_open(disk.get(), path.c_str()), disk.get()));
    for (;;) {
        int status = archive_read_next_header2(disk.get(), entry.get());
        if (status == ARCHIVE_EOF) break;
        TRY(check(status, disk.get()));
        archive_read_disk_descend(disk.get());
        std::string below = std::string(archive_entry_pathname(entry.get())).substr(path.size());
        archive_entry_set_pathname(entry.get(), (name + below).c_str());
        if (!keep_owner) {
            archive_entry_set_uid(entry.get(), 0);
            archive_entry_set_gid(entry.get(), 0);
        }
        TRY(check(archive_write_header(tar.get(), entry.get()), tar.get()));
        if (archive_entry_size(entry.get()) > 0) TRY(copy_data(disk.get(), tar.get()));
    }
    return check(archive_write_close(tar.get()), tar.get());
}

Result<void> unpack(const PieceSource& source, const std::string& folder, const std::string& name,
                    bool keep_owner) {
    // Relative to its folder, so that libarchive's checks are about the archive's own names alone.
    if (::chdir(folder.c_str()) < 0) return fail(Code::NotFound, folder + ": " + ::strerror(errno));
    struct Reader {
        const PieceSource& source;
        std::string piece;
    } reader{source, {}};
    Archive tar(archive_read_new()), disk(archive_write_disk_new());
    archive_read_support_format_tar(tar.get());
    auto read = [](archive*, void* from, const void** bytes) -> la_ssize_t {
        auto& at = *static_cast<Reader*>(from);
        at.piece = at.source();
        *bytes = at.piece.data();
        return static_cast<la_ssize_t>(at.piece.size());
    };
    int flags = ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;
    archive_write_disk_set_options(disk.get(), keep_owner ? flags | ARCHIVE_EXTRACT_OWNER : flags);
    TRY(check(archive_read_open(tar.get(), &reader, nullptr, read, nullptr), tar.get()));
    for (archive_entry* entry;;) {
        int status = archive_read_next_header(tar.get(), &entry);
        if (status == ARCHIVE_EOF) break;
        TRY(check(status, tar.get()));
        TRY(unpack_entry(tar.get(), disk.get(), entry, name, keep_owner));
    }
    return check(archive_write_close(disk.get()), disk.get());
}

}  // namespace astra::cli
