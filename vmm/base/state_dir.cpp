// The state directory and mkdir -p.
#include "vmm/base/state_dir.hpp"

#include <sys/stat.h>

#include <cstdlib>

namespace astra::vmm {

Result<std::string> state_dir() {
    struct Rule {
        const char* variable;
        const char* below;
    };
    // A relative value is ignored, as the XDG specification asks.
    for (const Rule& rule :
         {Rule{"ASTRA_STATE_DIR", ""}, Rule{"XDG_DATA_HOME", "/astra"}, Rule{"HOME", "/.local/share/astra"}})
        if (const char* value = std::getenv(rule.variable); value && value[0] == '/')
            return std::string(value) + rule.below;
    return fail(Code::NotFound, "no place for state: ASTRA_STATE_DIR, XDG_DATA_HOME and HOME are all unset",
                "set ASTRA_STATE_DIR to an absolute path");
}

Result<void> make_directories(const std::string& path) {
    for (usize slash = 0; slash != std::string::npos;) {
        slash = path.find('/', slash + 1);
        std::string part = path.substr(0, slash);
        if (::mkdir(part.c_str(), 0755) < 0 && errno != EEXIST) return fail_errno(part);
    }
    return {};
}

}  // namespace astra::vmm
