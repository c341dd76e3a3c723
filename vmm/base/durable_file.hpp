// Small files that survive a crash: whole or not there at all.
#pragma once
#include <string>
#include <string_view>

#include "vmm/base/error.hpp"

namespace astra::vmm {

/// Replaces `path` with `content`, atomically and durably (rename(2) between fsync(2) of file and folder).
/// Errors: those of open, write, fsync and rename.
[[nodiscard]] Result<void> write_durably(const std::string& path, std::string_view content);

/// The file's content. Errors: open(2)'s and read(2)'s; Corrupt beyond `limit` bytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path, usize limit = usize{16} << 20);

}  // namespace astra::vmm
