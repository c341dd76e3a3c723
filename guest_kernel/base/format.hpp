// printf for the kernel: the conversions it needs, into a caller's buffer.
#pragma once
#include <cstdarg>

#include "guest_kernel/base/types.hpp"

namespace astra {

/// snprintf(3) with %d %i %u %x %X %o %c %s %p %%, the flags `-` `0` `+` ` ` `#`, width, precision, `*`, and
/// the lengths hh h l ll z. Returns the length the whole text has; at most size-1 bytes and a terminator are
/// written.
usize format_to(char* to, usize size, const char* format, ...) __attribute__((format(printf, 3, 4)));
usize format_to_v(char* to, usize size, const char* format, va_list arguments);

}  // namespace astra
