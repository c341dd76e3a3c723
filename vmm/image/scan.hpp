// From an archive in a file to the tree of its root file system, container images included.
#pragma once
#include <vector>

#include "vmm/image/import.hpp"
#include "vmm/image/spool.hpp"
#include "vmm/image/tree.hpp"

namespace astra::vmm::image {

/// A TAR that can be read: plain, seekable.
struct Archive {
    int fd = -1;
    u64 bytes = 0;
};

/// A root file system, and the archives its data lies in. Node::member counts through all archives: member n
/// of archives[a] is a * kArchiveStride + n.
struct Scanned {
    Tree tree;
    std::vector<Archive> archives;
    std::vector<Spool> owned;  // the files of those archives that are not the caller's
};
inline constexpr u64 kArchiveStride = u64{1} << 40;

/// What an import may use and tells.
struct Job {
    ImportLimits limits;
    u64 budget = 0;         // bytes that may come out of the archive
    std::string directory;  // for unnamed temporary files
    std::function<void(const ImportProgress&)> progress;
};

/// Calls back every few MiB, and at the end.
class Meter {
  public:
    Meter(const Job& job, const char* stage, u64 total)
        : progress_(&job.progress), stage_(stage), total_(total) {}
    void at(u64 done);

  private:
    const std::function<void(const ImportProgress&)>* progress_;
    const char* stage_;
    u64 total_, reported_ = 0;
};

/// Reads the headers of `archive` and builds the tree; of a container image, those of its layers, one upon
/// the other. Errors: as normalise().
[[nodiscard]] Result<Scanned> scan(Archive archive, const Job& job);

/// "member 3: " in front of an error's text.
[[nodiscard]] std::unexpected<Error> at_member(u64 ordinal, Error error);

}  // namespace astra::vmm::image
