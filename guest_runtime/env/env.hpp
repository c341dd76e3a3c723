// The environment: variables and the working directory.
#pragma once
#include <optional>
#include <string_view>

#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/io/error.hpp"

namespace astra::env {

/// The value of a variable; NotFound when it is not set.
///     String home = TRY(env::var("HOME"));
io::Result<String> var(std::string_view name);
/// Sets a variable for this process and the children it starts. InvalidInput for a name that is empty or has
/// '=' or NUL in it, or a value with NUL. Thread-safe.
io::Result<void> set_var(std::string_view name, std::string_view value);
/// Unsets it; one that is not set is no error.
io::Result<void> remove_var(std::string_view name);

struct Variable {
    String name, value;
};
/// A copy of all variables.
io::Result<Vector<Variable>> vars();

/// The working directory (getcwd(2)).
io::Result<String> current_dir();
/// Changes it for all threads (chdir(2)).
io::Result<void> set_current_dir(std::string_view path);
/// The path of the running program (/proc/self/exe).
io::Result<String> current_exe();
/// TMPDIR, or "/tmp".
io::Result<String> temp_dir();

}  // namespace astra::env
