// Terminals for the rest of the kernel: what their device nodes open, sessions and their terminals, the
// console.
#pragma once
#include "guest_kernel/fs/file.hpp"

namespace astra {

/// /dev/console. Flags as open(2); O_NOCTTY unset makes it the controlling terminal of a session leader
/// without one.
Result<Ref<fs::File>> open_console(const fs::Path& path, u32 flags);
/// /dev/tty. Errors: ENXIO without a controlling terminal.
Result<Ref<fs::File>> open_controlling_tty(const fs::Path& path, u32 flags);
/// /dev/ptmx or a devpts's own: the master of a new pseudo-terminal (pty(7)). Errors: ENODEV (no devpts
/// beside it), ENOSPC, ENOMEM.
Result<Ref<fs::File>> open_pty_master(const fs::Path& path, u32 flags);
/// A node of a devpts. Errors: EIO while it is locked or when its master is gone.
Result<Ref<fs::File>> open_pty(const fs::Path& path, u32 flags);

/// Device number of a terminal object (Process::terminal), for /proc/PID/stat; 0 for null.
u64 terminal_device(const RefCounted* terminal);
/// The foreground process group of a terminal object, -1 for none.
int terminal_foreground(RefCounted* terminal);
/// The leader of the session that `terminal` controls ends: SIGHUP to the foreground group, and nobody of the
/// session has a terminal any more.
void end_session(RefCounted& terminal);

}  // namespace astra
