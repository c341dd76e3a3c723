// Working with text: splitting, trimming, comparing, reading numbers.
#pragma once
#include <concepts>
#include <limits>
#include <optional>
#include <string_view>

#include "guest_runtime/io/error.hpp"

namespace astra::text {

constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
/// The value of a digit in bases up to 16, -1 for another character.
constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Without white space at both ends.
std::string_view trim(std::string_view text);
/// Equal but for the case of ASCII letters.
bool equal_ignoring_case(std::string_view a, std::string_view b);

struct Halves {
    std::string_view before, after;
};
/// The parts before and after the first `mark`; none when it does not occur.
std::optional<Halves> split_once(std::string_view text, std::string_view mark);
/// The same for the last `mark`.
std::optional<Halves> rsplit_once(std::string_view text, std::string_view mark);

/// Goes through the parts between `separator`s, empty ones too:
///     for (std::string_view field : text::Split(line, ':')) …
class Split {
  public:
    Split(std::string_view text, char separator) : rest_(text), separator_(separator) {}
    class Iterator {
      public:
        Iterator(std::string_view rest, char separator) : rest_(rest), separator_(separator) {}
        std::string_view operator*() const { return rest_.substr(0, rest_.find(separator_)); }
        Iterator& operator++() {
            usize at = rest_.find(separator_);
            done_ = at == std::string_view::npos;
            if (!done_) rest_.remove_prefix(at + 1);
            return *this;
        }
        bool operator==(std::nullptr_t) const { return done_; }

      private:
        std::string_view rest_;
        char separator_;
        bool done_ = false;
    };
    [[nodiscard]] Iterator begin() const { return {rest_, separator_}; }
    [[nodiscard]] std::nullptr_t end() const { return nullptr; }

  private:
    std::string_view rest_;
    char separator_;
};

/// The integer that `text` is, whole: an optional sign ('-' for signed types only) and digits of `base`.
/// InvalidInput for anything else and for numbers that do not fit.
///     u16 port = TRY(text::parse<u16>("8080"));
template <std::integral T>
io::Result<T> parse(std::string_view text, int base = 10) {
    bool negative = std::signed_integral<T> && text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text.empty())
        return io::failure(io::ErrorKind::InvalidInput, "no digits where a number was expected");
    u64 limit = static_cast<u64>(std::numeric_limits<T>::max()) + negative, value = 0;
    for (char c : text) {
        int digit = hex_value(c);
        if (digit < 0 || digit >= base)
            return io::failure(io::ErrorKind::InvalidInput, "invalid digit in a number");
        if (__builtin_mul_overflow(value, static_cast<u64>(base), &value) ||
            __builtin_add_overflow(value, static_cast<u64>(digit), &value) || value > limit)
            return io::failure(io::ErrorKind::InvalidInput, "number too large for its type");
    }
    return static_cast<T>(negative ? 0 - value : value);
}

}  // namespace astra::text
