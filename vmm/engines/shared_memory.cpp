// The memfd between launcher and machine.
#include "vmm/engines/shared_memory.hpp"

#include <fcntl.h>

#include <algorithm>

namespace astra::vmm {

Result<SharedMemory> SharedMemory::create(const char* name, std::vector<Segment> segments) {
    u64 size = 0;
    for (const Segment& segment : segments) size = std::max(size, segment.offset + segment.length);
    Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd.valid()) return fail_errno("memfd_create");
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return fail_errno("memfd: ftruncate");
    if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return fail_errno("memfd: seal");
    return SharedMemory(std::move(fd), std::move(segments));
}

SharedMemory SharedMemory::adopt(Fd fd, std::vector<Segment> segments) {
    if (!fd.valid()) segments.clear();
    return SharedMemory(std::move(fd), std::move(segments));
}

Result<Fd> SharedMemory::share() const {
    Fd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy.valid()) return fail_errno("memfd: dup");
    return copy;
}

Result<u64> SharedMemory::offset_of(PhysAddr base, u64 length) const {
    for (const Segment& segment : segments_) {
        if (base < segment.base || base - segment.base > segment.length) continue;
        u64 offset = base - segment.base;
        if (length == 0 || length > segment.length - offset || !is_aligned(base.raw() | length, kPageSize))
            break;
        return segment.offset + offset;
    }
    return fail(Code::InvalidArgument, "the guest named memory that it does not share");
}

Result<Mapping> SharedMemory::map(PhysAddr base, u64 length) const {
    u64 offset = TRY(offset_of(base, length));
    void* at =
        ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), static_cast<off_t>(offset));
    if (at == MAP_FAILED) return fail_errno("memfd: mmap");
    return Mapping(at, length);
}

}  // namespace astra::vmm
