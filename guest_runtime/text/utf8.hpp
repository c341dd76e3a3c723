// UTF-8 (RFC 3629).
#pragma once
#include <string_view>

#include "guest_kernel/base/types.hpp"

namespace astra::text {

/// Whether `text` is well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace astra::text
