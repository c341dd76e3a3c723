// Host memory behind the guest's: RAM, the image, the counters.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {

/// Anonymous zeroed memory of `size` bytes, aligned to 2 MiB, advised for huge pages, taken from the host
/// only as it is touched, and left out of core dumps.
[[nodiscard]] Result<Mapping> map_anonymous(usize size);

enum class ImagePolicy {
    Copy,  // into huge-page-backed memory of this guest's own: cheap first touches where KVM is software
    Map,   // the file itself: all guests share one copy in the host's page cache
};
/// "copy" or "map"; nullopt for anything else.
[[nodiscard]] std::optional<ImagePolicy> parse_image_policy(std::string_view name);

struct Image {
    Mapping memory;  // whole pages, zeros after the file's end
    u64 size;        // the file's
};
/// Brings the image file into memory. Errors as MappedFile::open.
[[nodiscard]] Result<Image> load_image(const std::string& path, ImagePolicy policy);

/// Maps the whole of the shared memory `fd` (a memfd) for reading and writing. InvalidArgument when its size
/// is not whole pages, or below `least` bytes.
[[nodiscard]] Result<Mapping> map_shared(int fd, usize least);

}  // namespace astra::vmm
