// Reads TAR members through libarchive, with only the tar format enabled.
#pragma once
#include <archive.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "vmm/image/member.hpp"

namespace astra::vmm::image {

/// Frees a libarchive reader.
struct ArchiveFree {
    void operator()(archive* reader) const { archive_read_free(reader); }
};
using ArchivePtr = std::unique_ptr<archive, ArchiveFree>;

/// The error that libarchive's reader reports: InvalidArgument when it does not know the format, else
/// Corrupt.
[[nodiscard]] std::unexpected<Error> archive_failure(archive* reader);

/// Takes bytes as they come; an error ends the reading and is passed on.
using ByteSink = std::function<Result<void>(std::span<const u8>)>;

/// An uncompressed TAR in a seekable file, read from its start.
class TarReader {
  public:
    /// `fd` is borrowed and must outlive the reader; `size` is how many bytes of it there are.
    /// Errors: InvalidArgument when it is not a TAR, Corrupt when its first header is damaged.
    static Result<TarReader> open(int fd, u64 size);

    /// The next member, or nothing after the last. Data of the current member that was not read is skipped.
    /// Errors: Corrupt (damaged or truncated), InvalidArgument (no usable name, unsupported type).
    Result<std::optional<Member>> next();

    /// Streams the current member's data to `sink`: exactly `size` bytes, holes as zeros, in pieces of any
    /// length. Errors: Corrupt when the archive holds other than that; the sink's.
    Result<void> read_data(u64 size, const ByteSink& sink);

    /// Bytes of the file consumed so far.
    [[nodiscard]] u64 position() const;

  private:
    struct Source;
    TarReader(std::unique_ptr<Source> source, ArchivePtr reader);
    Result<std::optional<Member>> end_of_archive(u64 last_member_end);

    // In this order: the reader's callbacks use the source until it is freed.
    struct SourceFree {
        void operator()(Source*) const;
    };
    std::unique_ptr<Source, SourceFree> source_;
    ArchivePtr reader_;
    bool any_ = false;
};

}  // namespace astra::vmm::image
