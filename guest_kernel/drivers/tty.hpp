// Terminals: the line discipline (termios(3)), job control, and the console.
#pragma once
#include "guest_kernel/fs/file.hpp"

namespace astra {

/// /dev/console. Flags as open(2); O_NOCTTY unset makes it the controlling terminal of a session leader
/// without one.
Result<Ref<fs::File>> open_console(u32 flags);
/// /dev/tty. Errors: ENXIO without a controlling terminal.
Result<Ref<fs::File>> open_controlling_tty(u32 flags);
/// Device number of a terminal object (Process::terminal), for /proc/PID/stat; 0 for null.
u64 terminal_device(const RefCounted* terminal);
/// The foreground process group of a terminal object, -1 for none.
int terminal_foreground(const RefCounted* terminal);

}  // namespace astra
