// Process descriptors (pidfd_open(2)).
#pragma once
#include "guest_kernel/sched/process.hpp"

namespace astra::sched {

/// A file for a process, readable once it has ended. `flags`: O_NONBLOCK.
Result<Ref<fs::File>> open_pidfd(Process& process, u32 flags);
/// The process behind the current process's descriptor `fd`. Errors: EBADF, also when it is something else.
Result<Ref<Process>> pidfd_process(int fd);

/// pidfd_send_signal(2)'s target: a pidfd's process, or that of an open directory /proc/PID. Errors: EBADF;
/// ESRCH when the directory's is gone.
Result<Ref<Process>> signalled_process(int fd);

}  // namespace astra::sched
