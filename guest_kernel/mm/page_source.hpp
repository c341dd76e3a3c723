// Where a file mapping's pages come from: implemented by inodes that can be mapped.
#pragma once
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::mm {

class PageSource : public RefCounted {
  public:
    /// The frame that holds page `index` of the object, so that read(2), write(2) and every mapping see the
    /// same bytes. `for_write`: the page will be written through a shared mapping (a copy-up happens here
    /// when needed). Errors: EFAULT past the last page (SIGBUS), ENOMEM. Called with the address space's
    /// mutex held.
    virtual Result<FrameRef> page(u64 index, bool for_write) = 0;
    /// Bytes; pages wholly beyond are SIGBUS.
    [[nodiscard]] virtual u64 mapping_size() const = 0;
    /// For /proc/PID/maps.
    struct Identity {
        u64 device, inode;
    };
    [[nodiscard]] virtual Identity identity() const = 0;
};

}  // namespace astra::mm
