// One value to be printed, its type erased, and the format strings that are checked against the types.
#pragma once
#include <concepts>
#include <string_view>
#include <type_traits>

#include "guest_runtime/fmt/spec.hpp"

namespace astra::fmt {

class Formatter;

enum class Kind : u8 { Signed, Unsigned, Float, Bool, Char, Text, Pointer, Custom };

/// A type that prints itself: `void display(fmt::Formatter&, const T&)` beside it.
template <class T>
concept Displayable = requires(Formatter& out, const T& value) {
    display(out, value);
};

template <class T>
consteval Kind kind_of() {
    using U = std::remove_cvref_t<T>;
    if constexpr (std::same_as<U, bool>)
        return Kind::Bool;
    else if constexpr (std::same_as<U, char>)
        return Kind::Char;
    else if constexpr (std::is_floating_point_v<U>)
        return Kind::Float;
    else if constexpr (std::is_integral_v<U>)
        return std::is_signed_v<U> ? Kind::Signed : Kind::Unsigned;
    else if constexpr (Displayable<U>)
        return Kind::Custom;
    else if constexpr (std::is_convertible_v<const U&, std::string_view>)
        return Kind::Text;
    else if constexpr (std::is_pointer_v<U>)
        return Kind::Pointer;
    else
        static_assert(Displayable<U>, "this type has no display(Formatter&, const T&)");
}

/// Prints a number, infinity or NaN: the shortest digits that read back as the same value, or
/// `spec().precision` digits after the point, or with `{:e}` an exponent.
void show_float(Formatter& out, double value);

/// A reference to a value and how to print it; lives no longer than the call it is an argument of.
struct Argument {
    Kind kind;
    union {
        i64 integer;
        u64 natural;
        double real;
        const void* object;
        struct {
            const char* data;
            usize size;
        } text;
    };
    void (*show)(Formatter&, const void*) = nullptr;

    template <class T>
    Argument(const T& value) : kind(kind_of<T>()) {
        constexpr Kind k = kind_of<T>();
        if constexpr (k == Kind::Signed)
            integer = value;
        else if constexpr (k == Kind::Unsigned || k == Kind::Bool)
            natural = value;
        else if constexpr (k == Kind::Char)
            natural = static_cast<unsigned char>(value);
        else if constexpr (k == Kind::Float) {
            real = static_cast<double>(value);
            // By pointer, so that programs without floating point carry none of it.
            show = [](Formatter& out, const void* it) { show_float(out, *static_cast<const double*>(it)); };
        } else if constexpr (k == Kind::Text) {
            std::string_view view = value;
            text = {view.data(), view.size()};
        } else if constexpr (k == Kind::Pointer)
            object = reinterpret_cast<const void*>(value);
        else {
            object = &value;
            show = [](Formatter& out, const void* it) { display(out, *static_cast<const T*>(it)); };
        }
    }
};

constexpr bool spec_fits(Kind kind, const Spec& spec) {
    std::string_view types = "?";
    if (kind == Kind::Signed || kind == Kind::Unsigned) types = "?xXob";
    if (kind == Kind::Float) types = "?e";
    if (kind == Kind::Custom && spec.type == 0) return true;
    return spec.type == 0 || types.find(spec.type) != std::string_view::npos;
}

/// A format string whose placeholders were checked against `Args` when it was compiled.
template <class... Args>
struct FormatString {
    std::string_view text;

    template <class S>
    requires std::convertible_to<const S&, std::string_view>
    consteval FormatString(const S& string) : text(string) {
        constexpr Kind kinds[sizeof...(Args) + 1] = {kind_of<Args>()..., Kind::Custom};
        bool used[sizeof...(Args) + 1] = {};
        usize next = 0;
        for (std::string_view rest = text; !rest.empty();) {
            Piece piece = next_piece(rest);
            if (!piece.placeholder) continue;
            usize index = piece.index < 0 ? next++ : static_cast<usize>(piece.index);
            if (index >= sizeof...(Args)) bad_format_string("there are more placeholders than arguments");
            used[index] = true;
            if (!spec_fits(kinds[index], piece.spec)) bad_format_string("this type is not printed that way");
        }
        for (usize i = 0; i < sizeof...(Args); i++)
            if (!used[i]) bad_format_string("an argument is not printed");
    }
};

/// As a parameter: the arguments' types come from the other parameters.
template <class... Args>
using Format = FormatString<std::type_identity_t<Args>...>;

}  // namespace astra::fmt
