// Working with text.
#include "guest_runtime/text/text.hpp"

#include <algorithm>

namespace astra::text {

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return to_lower(x) == to_lower(y); });
}

namespace {
std::optional<Halves> split_at(std::string_view text, usize at, usize length) {
    if (at == std::string_view::npos) return {};
    return Halves{text.substr(0, at), text.substr(at + length)};
}
}  // namespace

std::optional<Halves> split_once(std::string_view text, std::string_view mark) {
    return split_at(text, text.find(mark), mark.size());
}

std::optional<Halves> rsplit_once(std::string_view text, std::string_view mark) {
    return split_at(text, text.rfind(mark), mark.size());
}

}  // namespace astra::text
