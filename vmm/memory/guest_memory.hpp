// Guest-physical memory as devices see it: bounds-checked copies, never bare pointers into what the guest can
// change.
#pragma once
#include <span>
#include <vector>

#include "vmm/base/fd.hpp"

namespace astra::vmm {

/// A set of non-overlapping regions, each backed by host memory that the caller keeps mapped. Immutable once
/// the vCPUs run, so it is read without a lock.
class GuestMemory {
  public:
    struct Region {
        PhysAddr base;
        std::span<u8> host;
        bool read_only = false;
    };

    /// Adds a region. False when it overlaps another or wraps.
    [[nodiscard]] bool add(Region region);
    [[nodiscard]] std::span<const Region> regions() const { return regions_; }

    /// Copies out of the guest. False (and nothing promised about `to`) when any byte lies outside.
    [[nodiscard]] bool read(PhysAddr from, std::span<u8> to) const;
    /// Copies into the guest. False when any byte lies outside or is read-only; then nothing was written.
    [[nodiscard]] bool write(PhysAddr to, std::span<const u8> from) const;

    template <class T>
    [[nodiscard]] bool read_object(PhysAddr from, T& to) const {
        return read(from, {reinterpret_cast<u8*>(&to), sizeof to});
    }
    template <class T>
    [[nodiscard]] bool write_object(PhysAddr to, const T& from) const {
        return write(to, {reinterpret_cast<const u8*>(&from), sizeof from});
    }

    /// Aligned 16-bit atomics for virtqueue indices: acquire load, release store. False when outside or
    /// misaligned.
    [[nodiscard]] bool load_u16(PhysAddr from, u16& value) const;
    [[nodiscard]] bool store_u16(PhysAddr to, u16 value) const;

    /// Host memory of [base, base+length), for readv/writev of bulk data; empty when not wholly inside one
    /// region or, with `writable`, read-only. The guest may change it at any time: look at each byte once.
    [[nodiscard]] std::span<u8> host_span(PhysAddr base, u64 length, bool writable) const;

  private:
    [[nodiscard]] const Region* find(PhysAddr address, u64 length) const;
    std::vector<Region> regions_;
};

}  // namespace astra::vmm
