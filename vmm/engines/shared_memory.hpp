// Memory that a machine shares with the launcher, addressed as the guest addresses it.
#pragma once
#include <vector>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {

/// A memfd that shows some of the guest's physical memory.
class SharedMemory {
  public:
    /// `length` bytes of the guest's memory at `base` lie at `offset` in the file.
    struct Segment {
        PhysAddr base;
        u64 length;
        u64 offset;
    };

    /// Makes the memfd, as large as its segments need. Its size is sealed: no one can make a mapping fault.
    [[nodiscard]] static Result<SharedMemory> create(const char* name, std::vector<Segment> segments);

    /// The same over a memfd that exists; an invalid one shares nothing.
    [[nodiscard]] static SharedMemory adopt(Fd fd, std::vector<Segment> segments);

    /// A second descriptor of the memfd, to hand to the machine.
    [[nodiscard]] Result<Fd> share() const;
    /// Where [base, base+length) lies in the file; errors as map()'s.
    [[nodiscard]] Result<u64> offset_of(PhysAddr base, u64 length) const;
    /// The memfd itself.
    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Maps [base, base+length) for reading and writing. Errors: InvalidArgument when that is not
    /// page-aligned or not wholly inside one segment (the numbers may come from the guest).
    [[nodiscard]] Result<Mapping> map(PhysAddr base, u64 length) const;

  private:
    SharedMemory(Fd fd, std::vector<Segment> segments) : fd_(std::move(fd)), segments_(std::move(segments)) {}
    Fd fd_;
    std::vector<Segment> segments_;
};

}  // namespace astra::vmm
