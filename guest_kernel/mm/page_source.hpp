// Where a file mapping's pages come from: implemented by inodes that can be mapped.
#pragma once
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/mm/frames.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::mm {

struct Area;
class AddressSpace;

/// One area that maps a source, on the source's list.
struct Mapping {
    ListNode node;
    AddressSpace* space = nullptr;
    Area* area = nullptr;
};

class PageSource : public RefCounted {
  public:
    /// The frame that holds page `index` of the object, so that read(2), write(2) and every mapping see the
    /// same bytes. `for_write`: the page will be written through a shared mapping (a copy-up happens here
    /// when needed). Errors: EFAULT past the last page (SIGBUS), ENOMEM. Called with the address space's
    /// mutex held.
    virtual Result<FrameRef> page(u64 index, bool for_write) = 0;
    /// The frame of page `index` for reading when it is there already, else null: lets a fault map the pages
    /// around the one it needs. Called like page(), but does nothing that could wait.
    virtual FrameRef page_if_resident(u64 index) {
        (void)index;
        return {};
    }
    /// madvise(MADV_REMOVE): makes pages [first, first + count) read as zeros and gives up their frames.
    /// Called without locks. Default: EOPNOTSUPP (ENOTSUP).
    virtual Result<void> discard(u64 first, u64 count) {
        (void)first, (void)count;
        return fail(Errno::kENOTSUP);
    }
    /// May new shared mappings write? No for sealed files (memfd_create(2), F_SEAL_WRITE): EPERM.
    [[nodiscard]] virtual bool allows_writing() const { return true; }
    /// Is it mapped shared where a program writes or could come to write?
    [[nodiscard]] bool mapped_for_writing();
    /// Bytes; pages wholly beyond are SIGBUS.
    [[nodiscard]] virtual u64 mapping_size() const = 0;
    /// For /proc/PID/maps.
    struct Identity {
        u64 device, inode;
    };
    [[nodiscard]] virtual Identity identity() const = 0;

    /// Takes pages [first, first + count) out of every mapping, private copies too, so that the next access
    /// faults and asks page() again. For truncation and punched holes (after mapping_size() or the pages
    /// changed, before their frames are given up), and copy-up (after page() answers the new frames). Takes
    /// address spaces' mutexes: call it with no lock of their rank or above. `shared_only` leaves private
    /// copies alone.
    void unmap_pages(u64 first, u64 count, bool shared_only = false);

    /// For mm: every area with this source is on the list while it is mapped.
    sched::SpinLocked<List<Mapping, &Mapping::node>, sched::Rank::Mappings> mappings;
};

}  // namespace astra::mm
