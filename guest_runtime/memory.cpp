// The memory functions that compilers call on their own.
#include "guest_kernel/base/types.hpp"

using astra::u8;
using astra::usize;

namespace {

/// Above this the microcode's copying is as fast and shorter.
constexpr usize kShort = 256;

// Words at any address. Structs, since templates forget what is special about a type's alias.
template <class T>
struct [[gnu::packed, gnu::may_alias]] Word {
    T value;
};
using Sixteen = Word<__uint128_t>;
using Eight = Word<astra::u64>;
using Four = Word<astra::u32>;

/// Copies `count` bytes, at least one T, by whole Ts; the last one overlaps the one before.
template <class T>
inline void* copy_by(u8* to, const u8* from, usize count) {
    T last = *reinterpret_cast<const T*>(from + count - sizeof(T));
    for (usize i = 0; i + sizeof(T) < count; i += sizeof(T)) {
        *reinterpret_cast<T*>(to + i) = *reinterpret_cast<const T*>(from + i);
        asm volatile("" ::: "memory");  // or the compiler makes this a call of memcpy
    }
    *reinterpret_cast<T*>(to + count - sizeof(T)) = last;
    return to;
}

}  // namespace

extern "C" {

void* memcpy(void* to, const void* from, usize count) {
    if (count > kShort) {
        void* result = to;
        asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
        return result;
    }
    auto* d = static_cast<u8*>(to);
    auto* s = static_cast<const u8*>(from);
    if (count >= 16) return copy_by<Sixteen>(d, s, count);
    if (count >= 8) return copy_by<Eight>(d, s, count);
    if (count >= 4) return copy_by<Four>(d, s, count);
    for (usize i = 0; i < count; i++) {
        d[i] = s[i];
        asm volatile("" ::: "memory");  // or the compiler makes this a call of itself
    }
    return to;
}

void* memset(void* to, int value, usize count) {
    auto* d = static_cast<u8*>(to);
    if (count >= 8 && count <= kShort) {
        constexpr astra::u64 kOnes = 0x0101010101010101;
        Eight filled{kOnes * static_cast<u8>(value)};
        for (usize i = 0; i + 8 < count; i += 8) {
            *reinterpret_cast<Eight*>(d + i) = filled;
            asm volatile("" ::: "memory");
        }
        *reinterpret_cast<Eight*>(d + count - 8) = filled;
        return to;
    }
    void* result = to;
    asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
    return result;
}

void* memmove(void* to, const void* from, usize count) {
    auto* d = static_cast<u8*>(to);
    auto* s = static_cast<const u8*>(from);
    if (d <= s || d >= s + count) return memcpy(to, from, count);
    while (count--) {
        d[count] = s[count];
        asm volatile("" ::: "memory");  // or the compiler makes this a call of itself
    }
    return to;
}

int memcmp(const void* left, const void* right, usize count) {
    auto* l = static_cast<const u8*>(left);
    auto* r = static_cast<const u8*>(right);
    for (usize i = 0; i < count; i++)
        if (l[i] != r[i]) return l[i] - r[i];
    return 0;
}

void* memchr(const void* from, int value, usize count) {
    auto* s = static_cast<const u8*>(from);
    for (usize i = 0; i < count; i++)
        if (s[i] == static_cast<u8>(value)) return const_cast<u8*>(s + i);
    return nullptr;
}

usize strlen(const char* text) {
    usize length = 0;
    while (text[length]) length++;
    return length;
}

}  // extern "C"
