// From an archive in one file to an aligned TAR in another.
#pragma once
#include <string>

#include "vmm/image/import.hpp"

namespace astra::vmm::image {

/// What normalise() wrote.
struct Normalised {
    std::string sha256;
    u64 bytes = 0, inodes = 0;
};

/// Reads the archive `in` (a file of `in_bytes` bytes, or, with in_bytes 0, a pipe or another file without a
/// size) and writes its aligned TAR to `out`, an empty file, from the start. `scratch_directory` is where an
/// unnamed temporary file may be made: a compressed archive is decompressed once. Errors: as import_image(),
/// without the file's name in front.
[[nodiscard]] Result<Normalised> normalise(int in, u64 in_bytes, int out,
                                           const std::string& scratch_directory, const ImportLimits& limits,
                                           const std::function<void(const ImportProgress&)>& progress);

}  // namespace astra::vmm::image
