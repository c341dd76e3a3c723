// The kernel log: a ring that syslog(2) reads, and lines on the console as they come.
#pragma once
#include <span>

#include "guest_kernel/base/types.hpp"

namespace astra {

enum class LogLevel : u8 { Error, Warning, Info, Debug };

/// Appends one line ("[    0.001234] text") to the ring; prints it when `level` is at or below the console's
/// level. Any context.
void log(LogLevel level, const char* format, ...) __attribute__((format(printf, 2, 3)));
/// Level up to which lines are printed (command line astra.log=0..3).
void set_console_log_level(LogLevel level);
/// Where printed lines go once the console device is up; before that, and in a panic, COM1.
void set_log_sink(void (*sink)(std::span<const char> text));
/// Copies the newest bytes of the ring, oldest first; returns how many.
usize read_log(std::span<char> to);
usize log_size();

}  // namespace astra
