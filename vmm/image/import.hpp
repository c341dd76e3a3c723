// Import of root file systems: a tar (plain, gzip, xz, zstd) becomes an aligned TAR with an index in the
// image store.
#pragma once
#include <functional>
#include <string>

#include "vmm/base/error.hpp"

namespace astra::vmm::image {

/// An image in the store.
struct ImportedImage {
    std::string path;    // absolute: the aligned TAR, read-only; format: guest_kernel/abi/image.hpp
    std::string sha256;  // of the aligned TAR, 64 hexadecimal digits: the image's identity
    u64 bytes = 0;       // size of the aligned TAR, a multiple of the page size
    u64 inodes = 0;      // files, directories and links in it
};

/// What an archive may cost before it is refused as a bomb.
struct ImportLimits {
    u64 entries = u64{1} << 20;       // members and implied directories
    u64 bytes = u64{32} << 30;        // all members' data together, expanded
    u64 ratio = 200;                  // expanded bytes per byte of the archive…
    u64 ratio_free = u64{256} << 20;  // …beyond this many, which any archive may expand to
};

struct ImportProgress {
    const char* stage;  // "decompressing", "scanning", "writing"
    u64 done, total;    // bytes; total is 0 when it is not known
};

struct ImportOptions {
    ImportLimits limits;
    /// Called now and then (every few MiB and at each stage's end) from the importing thread. May be empty.
    std::function<void(const ImportProgress&)> progress;
    /// Where the store is; empty: state_dir() + "/images".
    std::string store;
    /// False: import even if the store remembers this very file (same path, inode, size and times).
    bool use_cache = true;
};

/// Imports the archive at `path` into the store and returns the image. The same file again, unchanged, is
/// answered from the store without reading it. The archive is untrusted: nothing is extracted, and on any
/// failure the store is as it was before.
///
/// What extraction with tar would leave behind is what the image holds: a later member replaces an earlier
/// one of the same name, names linked to the earlier one keep it, and missing parent directories appear
/// (root's, mode 0755). A member named ".astra-index" is dropped: the index is always rebuilt. Extended
/// attributes are not kept.
///
/// Errors: NotFound, PermissionDenied (the file), InvalidArgument (not an archive, or unsafe: "..", absolute
/// names, links out of the image), Corrupt (damaged, truncated, or changed meanwhile), ResourceExhausted (a
/// limit, or a full disk). The message is one line that names the file and the member.
[[nodiscard]] Result<ImportedImage> import_image(const std::string& path, const ImportOptions& options = {});

}  // namespace astra::vmm::image
