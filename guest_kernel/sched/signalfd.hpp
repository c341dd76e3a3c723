// Signals as records to read (signalfd(2)).
#pragma once
#include "guest_kernel/fs/file.hpp"
#include "guest_kernel/sched/signal.hpp"

namespace astra::sched {

/// A file from which whoever reads takes its own pending signals of `mask`. `flags`: O_NONBLOCK. Errors:
/// ENOMEM.
Result<Ref<fs::File>> make_signalfd(SignalMask mask, u32 flags);
/// Changes what an existing one is for. Errors: EINVAL when `file` is no signalfd.
Result<void> set_signalfd_mask(fs::File& file, SignalMask mask);
/// A signal became pending somewhere. Any context; rank Signals may be held.
void wake_signalfds();

}  // namespace astra::sched
