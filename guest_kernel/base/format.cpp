// printf for the kernel.
#include "guest_kernel/base/format.hpp"

namespace astra {

namespace {

struct Sink {
    char* to;
    usize size, length = 0;
    void put(char c) {
        if (length + 1 < size) to[length] = c;
        length++;
    }
    void repeat(char c, int count) {
        while (count-- > 0) put(c);
    }
};

struct Spec {
    bool left = false, zero = false, plus = false, space = false, alternate = false;
    int width = 0, precision = -1, longs = 0;
};

void put_text(Sink& sink, const Spec& spec, const char* text) {
    if (!text) text = "(null)";
    int length = 0;
    while ((spec.precision < 0 || length < spec.precision) && text[length]) length++;
    if (!spec.left) sink.repeat(' ', spec.width - length);
    for (int i = 0; i < length; i++) sink.put(text[i]);
    if (spec.left) sink.repeat(' ', spec.width - length);
}

void put_number(Sink& sink, const Spec& spec, u64 value, u32 base, bool negative, bool upper) {
    char digits[24];
    int count = 0;
    const char* alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    bool zero = value == 0;
    do {
        digits[count++] = alphabet[value % base];
        value /= base;
    } while (value);
    if (zero && spec.precision == 0) count = 0;
    char prefix[3] = {};
    int prefix_length = 0;
    if (negative || spec.plus || spec.space) prefix[prefix_length++] = negative ? '-' : spec.plus ? '+' : ' ';
    if (spec.alternate && base == 16 && !zero) {
        prefix[prefix_length++] = '0';
        prefix[prefix_length++] = upper ? 'X' : 'x';
    }
    if (spec.alternate && base == 8 && !zero) prefix[prefix_length++] = '0';
    int zeros = spec.precision > count ? spec.precision - count : 0;
    if (spec.zero && !spec.left && spec.precision < 0 && spec.width > prefix_length + count)
        zeros = spec.width - prefix_length - count;
    int pad = spec.width - prefix_length - zeros - count;
    if (!spec.left) sink.repeat(' ', pad);
    for (int i = 0; i < prefix_length; i++) sink.put(prefix[i]);
    sink.repeat('0', zeros);
    while (count) sink.put(digits[--count]);
    if (spec.left) sink.repeat(' ', pad);
}

u64 fetch(va_list* arguments, const Spec& spec, bool is_signed) {
    if (spec.longs > 0) return va_arg(*arguments, u64);
    if (is_signed) {
        i64 value = va_arg(*arguments, int);
        if (spec.longs == -1) value = static_cast<i16>(value);
        if (spec.longs == -2) value = static_cast<i8>(value);
        return static_cast<u64>(value);
    }
    u64 value = va_arg(*arguments, unsigned);
    return spec.longs == -1 ? static_cast<u16>(value) : spec.longs == -2 ? static_cast<u8>(value) : value;
}

int parse_count(const char*& at, va_list* arguments) {
    if (*at == '*') return at++, va_arg(*arguments, int);
    int value = 0;
    while (*at >= '0' && *at <= '9') value = value * 10 + (*at++ - '0');
    return value;
}

Spec parse_spec(const char*& at, va_list* arguments) {
    Spec spec;
    for (;; at++) {
        if (*at == '-')
            spec.left = true;
        else if (*at == '0')
            spec.zero = true;
        else if (*at == '+')
            spec.plus = true;
        else if (*at == ' ')
            spec.space = true;
        else if (*at == '#')
            spec.alternate = true;
        else
            break;
    }
    spec.width = parse_count(at, arguments);
    if (spec.width < 0) spec.left = true, spec.width = -spec.width;
    if (*at == '.') spec.precision = parse_count(++at, arguments);
    for (;; at++) {
        if (*at == 'l' || *at == 'z' || *at == 'j' || *at == 't')
            spec.longs = 1;
        else if (*at == 'h')
            spec.longs--;
        else
            break;
    }
    return spec;
}

}  // namespace

usize format_to_v(char* to, usize size, const char* format, va_list original) {
    Sink sink{to, size};
    va_list arguments;
    va_copy(arguments, original);
    for (const char* at = format; *at; at++) {
        if (*at != '%') {
            sink.put(*at);
            continue;
        }
        Spec spec = parse_spec(++at, &arguments);
        switch (*at) {
            case 'd':
            case 'i': {
                i64 value = static_cast<i64>(fetch(&arguments, spec, true));
                put_number(sink, spec, value < 0 ? -static_cast<u64>(value) : static_cast<u64>(value), 10,
                           value < 0, false);
                break;
            }
            case 'u': put_number(sink, spec, fetch(&arguments, spec, false), 10, false, false); break;
            case 'o': put_number(sink, spec, fetch(&arguments, spec, false), 8, false, false); break;
            case 'x':
            case 'X': put_number(sink, spec, fetch(&arguments, spec, false), 16, false, *at == 'X'); break;
            case 'p':
                spec.alternate = true;
                put_number(sink, spec, reinterpret_cast<u64>(va_arg(arguments, void*)), 16, false, false);
                break;
            case 's': put_text(sink, spec, va_arg(arguments, const char*)); break;
            case 'c': {
                char text[2] = {static_cast<char>(va_arg(arguments, int)), 0};
                sink.put(text[0]);
                break;
            }
            case '%': sink.put('%'); break;
            default:  // not a conversion: show it as written
                sink.put('%');
                if (!*at)
                    at--;
                else
                    sink.put(*at);
        }
    }
    va_end(arguments);
    if (size) to[sink.length < size ? sink.length : size - 1] = 0;
    return sink.length;
}

usize format_to(char* to, usize size, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    usize length = format_to_v(to, size, format, arguments);
    va_end(arguments);
    return length;
}

}  // namespace astra
