// Where ASTRA keeps what outlives a command: images, records of guests.
#pragma once
#include <string>

#include "vmm/base/error.hpp"

namespace astra::vmm {

/// The state directory's path: $ASTRA_STATE_DIR, else $XDG_DATA_HOME/astra, else $HOME/.local/share/astra
/// (XDG Base Directory Specification 0.8). Errors: NotFound when none of the three variables is set.
[[nodiscard]] Result<std::string> state_dir();

/// Makes directory `path` and its parents, like mkdir -p. Errors: those of mkdir(2), naming the path.
[[nodiscard]] Result<void> make_directories(const std::string& path);

}  // namespace astra::vmm
