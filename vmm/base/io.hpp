// Whole reads and writes.
#pragma once
#include <span>

#include "vmm/base/error.hpp"

namespace astra::vmm {

/// Writes all of `bytes` at the file's position. Errors: write(2)'s.
[[nodiscard]] Result<void> write_all(int fd, std::span<const u8> bytes);

/// Fills `bytes` from `offset` of the file. Errors: pread(2)'s; Corrupt when the file ends before.
[[nodiscard]] Result<void> read_at(int fd, u64 offset, std::span<u8> bytes);

}  // namespace astra::vmm
