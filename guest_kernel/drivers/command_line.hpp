// The kernel command line: words of the form key or key=value, as abi/machine.hpp lists them.
#pragma once
#include <optional>
#include <string_view>

#include "guest_kernel/base/types.hpp"

namespace astra {

/// Keeps a copy (at most 4 KiB). Called once.
void set_command_line(std::string_view text);
std::string_view command_line();
/// The value of the `occurrence`-th word `key=…`; nullopt when absent. A bare `key` has the value "".
std::optional<std::string_view> command_line_value(std::string_view key, usize occurrence = 0);
/// A decimal or 0x-hexadecimal number at the start of `text`, optionally with a K, M or G suffix; consumes
/// it.
std::optional<u64> take_number(std::string_view& text);

}  // namespace astra
