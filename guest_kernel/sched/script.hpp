// The first line of scripts (execve(2), "Interpreter scripts").
#pragma once
#include <string_view>

#include "guest_kernel/base/result.hpp"

namespace astra::sched {

struct ScriptLine {
    std::string_view interpreter;
    std::string_view argument;  // one, with its inner blanks; empty: none
};

/// True when a file that begins with `head` is a script.
bool is_script(std::string_view head);
/// Reads "#! interpreter [argument]". `cut`: the file is longer than `head`. Errors: ENOEXEC without an
/// interpreter, or when its name may go on beyond `head`.
Result<ScriptLine> parse_script_line(std::string_view head, bool cut);

}  // namespace astra::sched
