// Checks of member paths.
#include "vmm/image/path.hpp"

#include <fmt/format.h>

namespace astra::vmm::image {

std::string printable(std::string_view path) {
    constexpr usize kShown = 200;
    std::string out;
    for (char c : path.substr(0, kShown)) {
        if (static_cast<u8>(c) < 0x20 || c == 0x7f)
            out += fmt::format("\\x{:02x}", static_cast<u8>(c));
        else
            out += c;
    }
    return path.size() > kShown ? out + "…" : out;
}

Result<std::vector<std::string>> split_path(std::string_view path) {
    auto refuse = [&](const char* why) { return fail(Code::InvalidArgument, printable(path) + ": " + why); };
    if (path.empty()) return fail(Code::InvalidArgument, "a member's path is empty");
    if (path[0] == '/') return refuse("path is absolute");
    if (path.size() > kMaxPath) return refuse("path is longer than 4095 bytes");
    std::vector<std::string> parts;
    for (std::string_view rest = path; !rest.empty();) {
        usize slash = rest.find('/');
        std::string_view part = rest.substr(0, slash);
        if (part == "..") return refuse("path contains '..'");
        if (part.size() > kMaxName) return refuse("a name is longer than 255 bytes");
        if (!part.empty() && part != ".") parts.emplace_back(part);
        rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    }
    return parts;
}

}  // namespace astra::vmm::image
