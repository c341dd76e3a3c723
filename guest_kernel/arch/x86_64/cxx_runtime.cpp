// What the compiler and the standard library's headers expect to find besides the kernel's own code.
#include "guest_kernel/arch/upcalls.hpp"

extern "C" {

/// A pure virtual function was called: an object used while it is made or destroyed.
[[noreturn]] void __cxa_pure_virtual() { astra::panic("pure virtual function called"); }
[[noreturn]] void abort() { astra::panic("abort called"); }
/// Destructors of static objects never run: the kernel ends with its machine.
int atexit(void (*)()) { return 0; }

const void* memchr(const void* bytes, int wanted, size_t count) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    for (; count > 0; count--, at++)
        if (*at == static_cast<unsigned char>(wanted)) return at;
    return nullptr;
}

size_t strlen(const char* text) {
    const char* end = text;
    while (*end) end++;
    return end - text;
}
}

/// Where the headers' range checks end (std::string_view::substr, std::optional::value, …).
namespace std {
__attribute__((__noreturn__)) void __throw_out_of_range_fmt(const char* what, ...) {
    astra::panic("out of range: %s", what);
}
__attribute__((__noreturn__)) void __throw_out_of_range(const char* what) {
    astra::panic("out of range: %s", what);
}
__attribute__((__noreturn__)) void __throw_length_error(const char* what) {
    astra::panic("length error: %s", what);
}
__attribute__((__noreturn__)) void __throw_logic_error(const char* what) {
    astra::panic("logic error: %s", what);
}
}  // namespace std
