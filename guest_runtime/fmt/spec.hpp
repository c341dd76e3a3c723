// The format language, Rust's std::fmt in small: `{}`, `{:?}`, `{0}`, `{:>8}`, `{:*^10}`, `{:+}`, `{:#x}`,
// `{:08.3}`. Parsed by the same code at compile time, to check, and at run time, to print.
#pragma once
#include <string_view>

#include "guest_kernel/base/types.hpp"

namespace astra::fmt {

/// What stands between the braces after the colon: [[fill]align][sign]['#']['0'][width]['.' precision][type].
struct Spec {
    char fill = ' ';
    char align = 0;  // '<', '^', '>', or 0: text left, numbers right
    bool plus = false, alternate = false, zero = false;
    i32 width = 0, precision = -1;
    char type = 0;  // 0 '?' 'x' 'X' 'o' 'b' 'e'
};

/// A stretch of literal text, or one placeholder.
struct Piece {
    std::string_view text;
    bool placeholder = false;
    i32 index = -1;  // which argument; -1: the next one
    Spec spec;
};

/// Called for a format string that is none; not constexpr, so that at compile time it is an error that shows
/// `why`.
[[noreturn]] void bad_format_string(const char* why);

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_align(char c) { return c == '<' || c == '^' || c == '>'; }

/// Cuts the first piece off `rest`.
constexpr Piece next_piece(std::string_view& rest) {
    auto at = [&](usize i) { return i < rest.size() ? rest[i] : '\0'; };
    auto number = [&](usize& i) {
        i32 value = -1;
        for (; is_digit(at(i)); i++) {
            value = (value < 0 ? 0 : value) * 10 + (at(i) - '0');
            if (value > 10000) bad_format_string("a number in the format string is too large");
        }
        return value;
    };
    Piece piece;
    if (at(0) == '{' && at(1) != '{') {
        usize i = 1;
        piece.placeholder = true;
        piece.index = number(i);
        if (at(i) == ':') {
            i++;
            Spec& s = piece.spec;
            if (is_align(at(i + 1)))
                s.fill = at(i), s.align = at(i + 1), i += 2;
            else if (is_align(at(i)))
                s.align = at(i++);
            if (at(i) == '+') s.plus = true, i++;
            if (at(i) == '#') s.alternate = true, i++;
            if (at(i) == '0') s.zero = true, i++;
            if (i32 width = number(i); width >= 0) s.width = width;
            if (at(i) == '.') {
                s.precision = number(++i);
                if (s.precision < 0) bad_format_string("a precision is missing after '.'");
            }
            if (at(i) && at(i) != '}') s.type = at(i++);
        }
        if (at(i) != '}') bad_format_string("a '{' is not closed by '}', or what is between them is unknown");
        rest.remove_prefix(i + 1);
        return piece;
    }
    if (at(0) == '{' || at(0) == '}') {  // doubled: itself
        if (at(1) != at(0)) bad_format_string("a '}' stands alone (write '}}')");
        piece.text = rest.substr(0, 1);
        rest.remove_prefix(2);
        return piece;
    }
    usize end = rest.find_first_of("{}");
    if (end == std::string_view::npos) end = rest.size();
    piece.text = rest.substr(0, end);
    rest.remove_prefix(end);
    return piece;
}

}  // namespace astra::fmt
