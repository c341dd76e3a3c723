// Decompression of an archive into a temporary file.
#pragma once
#include <optional>
#include <string>

#include "vmm/base/fd.hpp"
#include "vmm/image/import.hpp"

namespace astra::vmm::image {

/// A seekable, uncompressed archive.
struct Spool {
    Fd fd;
    u64 bytes = 0;
};

/// A new file in `directory` that has no name and vanishes when it is closed. Errors: those of open(2).
[[nodiscard]] Result<Fd> unnamed_file(const std::string& directory);

/// Decompresses `in` (gzip, xz or zstd) into an unnamed file in `directory`; a pipe is copied there whatever
/// it holds. Nothing is returned when `in` is a file and not compressed: it can be used as it is. `budget`:
/// bytes the result may have. Errors: Corrupt (damaged or truncated), ResourceExhausted (budget, disk).
[[nodiscard]] Result<std::optional<Spool>> spool(int in, u64 in_bytes, u64 budget,
                                                 const std::string& directory,
                                                 const std::function<void(const ImportProgress&)>& progress);

}  // namespace astra::vmm::image
