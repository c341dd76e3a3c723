// Reads a guest's counters region (guest_kernel/abi/counters.hpp) from shared memory, as the hostile input it
// is.
#pragma once
#include <span>

#include "control_proto/statistics.hpp"
#include "vmm/base/error.hpp"

namespace astra::vmm {

/// A view of a mapped counters region. The guest may write to it at any moment and put anything there: every
/// cell is loaded once, sums wrap, and no size, count or offset in the region is believed.
class CountersReader {
  public:
    /// `region` must be aligned to 8 bytes and stay mapped. How many CPU blocks there are follows from its
    /// size alone.
    explicit CountersReader(std::span<u8> region) : region_(region) {}

    /// Sums all CPUs. Errors: Corrupt when the head is not that of this layout (the kernel never came that
    /// far, or is of another version).
    [[nodiscard]] Result<control::Statistics> read() const;
    /// Turns the measuring of time in the guest on or off. False when the region is too small to have a head.
    bool set_timing(bool on) const;

  private:
    [[nodiscard]] usize cpus() const;
    [[nodiscard]] u64 load(usize offset) const;
    /// The cell at `offset` of a CPU block, summed over (or the largest of) all CPUs.
    [[nodiscard]] u64 sum(usize offset) const;
    [[nodiscard]] u64 largest(usize offset) const;
    [[nodiscard]] std::vector<control::SyscallStatistics> read_syscalls() const;
    [[nodiscard]] std::vector<control::UnknownSyscall> read_unknown() const;

    std::span<u8> region_;
};

/// The time below which `fraction` (0..1) of the calls in `histogram` (kHistogramBuckets buckets, bucket i
/// counting [2^i, 2^(i+1)) ns) lie: straight-line inside the bucket, at most `max_ns`. 0 for an empty
/// histogram.
[[nodiscard]] u64 percentile(std::span<const u64> histogram, double fraction, u64 max_ns);

}  // namespace astra::vmm
