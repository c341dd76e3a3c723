// A whole file, mapped read-only.
#pragma once
#include <string>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {

class MappedFile {
  public:
    /// Maps the regular file `path`. InvalidArgument when it is empty or not a regular file; else as open(2).
    [[nodiscard]] static Result<MappedFile> open(const std::string& path);

    /// The file's bytes. Nobody may truncate it meanwhile: touching what is gone raises SIGBUS.
    [[nodiscard]] std::span<const u8> bytes() const { return {mapping_.data(), size_}; }
    /// Gives up the mapping, which is the file rounded up to whole pages, zeros after its end.
    [[nodiscard]] Mapping release() { return std::move(mapping_); }

  private:
    MappedFile(Mapping mapping, usize size) : mapping_(std::move(mapping)), size_(size) {}
    Mapping mapping_;
    usize size_;
};

}  // namespace astra::vmm
