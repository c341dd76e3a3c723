// What happened between two readings of a guest's counters.
#pragma once
#include <vector>

#include "control_proto/statistics.hpp"

namespace astra::vmm {

using SyscallRows = std::vector<control::SyscallStatistics>;

/// The calls of `now` that `before` does not have yet, most calls first; system calls that were not made are
/// left out. Mean and percentiles are of these calls alone; max_ns is that of `now`. Counters that ran
/// backwards (a guest may write anything) count as 0.
[[nodiscard]] SyscallRows since(const SyscallRows& before, const SyscallRows& now);

/// All rows as one, without a name.
[[nodiscard]] control::SyscallStatistics total(const SyscallRows& rows);

}  // namespace astra::vmm
