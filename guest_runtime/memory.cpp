// The memory functions that compilers call on their own.
#include "guest_kernel/base/types.hpp"

using astra::u8;
using astra::usize;

extern "C" {

void* memcpy(void* to, const void* from, usize count) {
    void* result = to;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
    return result;
}

void* memset(void* to, int value, usize count) {
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
