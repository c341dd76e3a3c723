// Printing: pieces of a format string with their arguments, integers, text and padding.
#include "guest_runtime/fmt/formatter.hpp"

#include <algorithm>

#include "guest_runtime/os/panic.hpp"

namespace astra::fmt {

void bad_format_string(const char* why) { panic(why); }

bool BufferSink::write(std::string_view text) {
    usize count = std::min(text.size(), to_.size() - used_);
    std::copy_n(text.data(), count, to_.data() + used_);
    used_ += count;
    return count == text.size();
}

void Formatter::print_arguments(std::string_view format, std::span<const Argument> arguments) {
    Spec outer = spec_;
    usize next = 0;
    while (!format.empty()) {
        Piece piece = next_piece(format);
        if (!piece.placeholder) {
            write(piece.text);
            continue;
        }
        usize index = piece.index < 0 ? next++ : static_cast<usize>(piece.index);
        assert_that(index < arguments.size(), "a format string asks for an argument that is not there");
        spec_ = piece.spec;
        show(arguments[index]);
    }
    spec_ = outer;
}

void Formatter::show(const Argument& a) {
    switch (a.kind) {
        case Kind::Signed: {
            bool bits = spec_.type != 0 && spec_.type != '?';  // {:x} of a negative number shows its bits
            u64 magnitude = a.integer < 0 && !bits ? 0 - a.natural : a.natural;
            return show_integer(a.integer < 0 && !bits, magnitude);
        }
        case Kind::Unsigned: return show_integer(false, a.natural);
        case Kind::Float: return a.show(*this, &a.real);
        case Kind::Bool: return pad(a.natural ? "true" : "false");
        case Kind::Char: {
            char c = static_cast<char>(a.natural);
            return spec_.type == '?' ? quote({&c, 1}, '\'') : pad({&c, 1});
        }
        case Kind::Text: {
            std::string_view text{a.text.data, a.text.size};
            return spec_.type == '?' ? quote(text) : pad(text);
        }
        case Kind::Pointer: spec_.type = 'x', spec_.alternate = true; return show_integer(false, a.natural);
        case Kind::Custom: return a.show(*this, a.object);
    }
}

void Formatter::show_integer(bool negative, u64 magnitude) {
    u64 base = 10;
    std::string_view prefix;
    switch (spec_.type) {
        case 'x':
        case 'X': base = 16, prefix = "0x"; break;
        case 'o': base = 8, prefix = "0o"; break;
        case 'b': base = 2, prefix = "0b"; break;
    }
    const char* digits = spec_.type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[64];
    char* at = text + sizeof text;
    do *--at = digits[magnitude % base];
    while (magnitude /= base);
    pad_number(negative, spec_.alternate ? prefix : "", {at, static_cast<usize>(text + sizeof text - at)});
}

void Formatter::fill(i32 count) {
    while (count-- > 0) write({&spec_.fill, 1});
}

void Formatter::pad(std::string_view text) {
    // Width and precision count characters, not bytes: those that do not begin with 10 in UTF-8.
    auto starts = [](char c) { return (c & 0xc0) != 0x80; };
    if (spec_.precision >= 0) {
        usize end = 0;
        for (i32 characters = 0; end < text.size(); end++)
            if (starts(text[end]) && characters++ == spec_.precision) break;
        text = text.substr(0, end);
    }
    i32 missing = spec_.width - static_cast<i32>(std::count_if(text.begin(), text.end(), starts));
    i32 before = missing <= 0 ? 0 : spec_.align == '>' ? missing : spec_.align == '^' ? missing / 2 : 0;
    fill(before);
    write(text);
    fill(missing - before);
}

void Formatter::pad_number(bool negative, std::string_view prefix, std::string_view digits) {
    std::string_view sign = negative ? "-" : spec_.plus ? "+" : "";
    i32 missing = spec_.width - static_cast<i32>(sign.size() + prefix.size() + digits.size());
    if (spec_.zero) {
        write(sign);
        write(prefix);
        while (missing-- > 0) write("0");
        return write(digits);
    }
    i32 before = missing <= 0 ? 0 : spec_.align == '<' ? 0 : spec_.align == '^' ? missing / 2 : missing;
    fill(before);
    write(sign);
    write(prefix);
    write(digits);
    fill(missing - before);
}

void Formatter::quote(std::string_view text, char mark) {
    write({&mark, 1});
    for (char c : text) {
        switch (c) {
            case '\n': write("\\n"); continue;
            case '\r': write("\\r"); continue;
            case '\t': write("\\t"); continue;
            case '\\': write("\\\\"); continue;
            case '\0': write("\\0"); continue;
        }
        if (c == mark) write("\\");
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            print("\\u{{{:x}}}", static_cast<u32>(c));
        else
            write({&c, 1});
    }
    write({&mark, 1});
}

}  // namespace astra::fmt
