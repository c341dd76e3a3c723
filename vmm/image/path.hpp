// Paths inside archives: checked and taken apart.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "vmm/base/error.hpp"

namespace astra::vmm::image {

inline constexpr usize kMaxName = 255;   // NAME_MAX
inline constexpr usize kMaxPath = 4095;  // PATH_MAX less the NUL

/// The components of a member's path; "./" prefixes, "." components and repeated slashes vanish, so the root
/// is an empty list. Errors (InvalidArgument, the message starts with the path): empty, absolute, a ".."
/// component, a component above kMaxName bytes, the whole above kMaxPath.
[[nodiscard]] Result<std::vector<std::string>> split_path(std::string_view path);

/// `path` fit for one line of a message: control characters as \xNN, long ones cut.
[[nodiscard]] std::string printable(std::string_view path);

}  // namespace astra::vmm::image
