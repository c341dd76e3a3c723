// Confinement of a running machine: whoever takes astra-vmm over from inside the guest finds nothing on the
// host but what a machine needs while it runs.
#pragma once
#include "vmm/base/error.hpp"

namespace astra::vmm {

/// Once per process, when everything is open and before any thread is started: no program that is executed
/// may gain privileges; a process of root becomes nobody's, without capabilities, and still dies with its
/// parent if it did before; Landlock, where the kernel has it, takes the file system away but for the
/// resolver's configuration. Errors: those of the system calls; a kernel without Landlock is none.
[[nodiscard]] Result<void> drop_privileges();

/// Confines the calling thread to the rules (sandbox_rules.hpp) of `role`, one of the role bits; `name` is a
/// literal and says in messages which thread it is. A call that no rule allows is not made: its name goes to
/// stderr and the process ends with kForbiddenStatus. Errors: those of seccomp(2).
[[nodiscard]] Result<void> confine_thread(u32 role, const char* name);

/// Exit status of a process that tried what it may not.
inline constexpr int kForbiddenStatus = 5;

}  // namespace astra::vmm
