// The kernel command line.
#include "guest_kernel/drivers/command_line.hpp"

namespace astra {

namespace {
constinit char storage[4096];
constinit usize storage_length = 0;
}  // namespace

void set_command_line(std::string_view text) {
    storage_length = text.size() < sizeof storage ? text.size() : sizeof storage;
    for (usize i = 0; i < storage_length; i++) storage[i] = text[i];
}

std::string_view command_line() { return {storage, storage_length}; }

std::optional<std::string_view> command_line_value(std::string_view key, usize occurrence) {
    std::string_view rest = command_line();
    while (!rest.empty()) {
        usize end = rest.find(' ');
        std::string_view word = rest.substr(0, end);
        rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
        if (!word.starts_with(key)) continue;
        word.remove_prefix(key.size());
        if (!word.empty() && word.front() != '=') continue;
        if (occurrence-- == 0) return word.empty() ? word : word.substr(1);
    }
    return std::nullopt;
}

std::optional<u64> take_number(std::string_view& text) {
    u32 base = 10;
    if (text.starts_with("0x")) base = 16, text.remove_prefix(2);
    u64 value = 0;
    usize digits = 0;
    for (; !text.empty(); text.remove_prefix(1), digits++) {
        char c = text.front();
        u32 digit = c >= '0' && c <= '9'                 ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : 99;
        if (digit >= base) break;
        value = value * base + digit;
    }
    if (digits == 0) return std::nullopt;
    if (!text.empty()) {
        char suffix = text.front() & ~32;
        u32 shift = suffix == 'K' ? 10 : suffix == 'M' ? 20 : suffix == 'G' ? 30 : 0;
        if (shift) value <<= shift, text.remove_prefix(1);
    }
    return value;
}

}  // namespace astra
