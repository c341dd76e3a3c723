// Decompression through libarchive's filters, with its "raw" format: bytes in, bytes out.
#include "vmm/image/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "vmm/base/io.hpp"
#include "vmm/image/tar_reader.hpp"

namespace astra::vmm::image {

namespace {

constexpr usize kReadBytes = 256 * 1024;

}  // namespace

Result<Fd> unnamed_file(const std::string& directory) {
    Fd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd.valid()) return fd;
    // Some file systems (NFS, older overlayfs) have no O_TMPFILE.
    std::string path = directory + "/spool.XXXXXX";
    fd.reset(::mkostemp(path.data(), O_CLOEXEC));
    if (!fd.valid()) return fail_errno(path);
    if (::unlink(path.c_str()) < 0) return fail_errno(path);
    return fd;
}

Result<std::optional<Spool>> spool(int in, u64 in_bytes, u64 budget, const std::string& directory,
                                   const std::function<void(const ImportProgress&)>& progress) {
    ArchivePtr reader(archive_read_new());
    if (!reader) return fail(Code::ResourceExhausted, "out of memory");
    archive_read_support_format_raw(reader.get());
    archive_read_support_filter_gzip(reader.get());
    archive_read_support_filter_xz(reader.get());
    archive_read_support_filter_zstd(reader.get());
    archive_entry* entry = nullptr;
    if (archive_read_open_fd(reader.get(), in, kReadBytes) != ARCHIVE_OK)
        return archive_failure(reader.get());
    if (archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) return archive_failure(reader.get());
    bool compressed = archive_filter_code(reader.get(), 0) != ARCHIVE_FILTER_NONE;
    if (!compressed && in_bytes > 0) return std::nullopt;

    Spool spool;
    spool.fd = TRY(unnamed_file(directory));
    for (u64 reported = 0;;) {
        const void* data = nullptr;
        size_t length = 0;
        la_int64_t offset = 0;
        int status = archive_read_data_block(reader.get(), &data, &length, &offset);
        if (status == ARCHIVE_EOF) break;
        if (status != ARCHIVE_OK) return archive_failure(reader.get());
        if (length > budget - spool.bytes)
            return fail(Code::ResourceExhausted, fmt::format("expands to more than {} bytes", budget),
                        "if the archive is meant to be that large, raise the limit");
        TRY(write_all(spool.fd.get(), {static_cast<const u8*>(data), length}));
        spool.bytes += length;
        u64 consumed = static_cast<u64>(archive_filter_bytes(reader.get(), -1));
        if (progress && consumed - reported >= (4u << 20)) {
            reported = consumed;
            progress({.stage = "decompressing", .done = consumed, .total = in_bytes});
        }
    }
    if (progress) progress({.stage = "decompressing", .done = in_bytes, .total = in_bytes});
    return spool;
}

}  // namespace astra::vmm::image
