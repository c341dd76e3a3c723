// Reading "#!" lines as Linux does (fs/binfmt_script.c).
#include "guest_kernel/sched/script.hpp"

namespace astra::sched {

namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trim(std::string_view text) {
    usize start = text.find_first_not_of(kBlanks);
    if (start == text.npos) return "";
    return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

}  // namespace

bool is_script(std::string_view head) { return head.starts_with("#!"); }

Result<ScriptLine> parse_script_line(std::string_view head, bool cut) {
    std::string_view line = head.substr(2);
    usize end = line.find_first_of(std::string_view("\n\0", 2));
    bool whole = end != line.npos || !cut;
    line = trim(line.substr(0, end));
    usize blank = line.find_first_of(kBlanks);
    // A name that reaches the end of a cut line is perhaps not all of it; a cut argument is the caller's
    // loss.
    if (line.empty() || (!whole && blank == line.npos)) return fail(Errno::kENOEXEC);
    if (blank == line.npos) return ScriptLine{line, ""};
    return ScriptLine{line.substr(0, blank), trim(line.substr(blank))};
}

}  // namespace astra::sched
