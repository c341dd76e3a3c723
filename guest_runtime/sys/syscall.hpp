// Typed stubs for every system call of the astra ABI, made from the kernel's own table: sys::read(fd, buffer,
// size). They return what the kernel answers: a value, or -errno. Compiled with ASTRA_RUNTIME_LINUX they
// carry Linux's numbers instead, so that the same program runs on Linux, which is what it is compared with.
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/abi/syscall_table.hpp"
#include "guest_kernel/abi/user_ptr.hpp"

namespace astra::sys {

namespace detail {

using namespace abi;

inline constexpr u16 kNone = 0xffff;

// What the caller passes where the kernel's table says UserPtr or UserString.
template <class T>
struct Argument {
    using Type = T;
};
template <class T>
struct Argument<UserPtr<T, Direction::In>> {
    using Type = const T*;
};
template <class T, Direction D>
requires(D != Direction::In) struct Argument<UserPtr<T, D>> {
    using Type = T*;
};
template <>
struct Argument<UserString> {
    using Type = const char*;
};

template <class T>
u64 raw(T value) {
    if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<u64>(value);
    else
        return static_cast<u64>(value);
}

/// The bare instruction (System V ABI, A.2.1): rcx and r11 are lost. The number is loaded right before it:
/// the flat kernel makes a direct call of these two instructions (docs/ARCHITECTURE.md).
template <u16 Number>
inline i64 call(u64 a = 0, u64 b = 0, u64 c = 0, u64 d = 0, u64 e = 0, u64 f = 0) {
    register u64 r10 asm("r10") = d;
    register u64 r8 asm("r8") = e;
    register u64 r9 asm("r9") = f;
    i64 result;
    asm volatile("mov %[number], %%eax\n\tsyscall"
                 : "=&a"(result)
                 : [number] "i"(Number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

template <u16 Number, class Signature>
struct Stub;
template <u16 Number, class... A>
struct Stub<Number, void(A...)> {
    static constexpr u16 kNumber = Number;
    i64 operator()(typename Argument<A>::Type... arguments) const requires(Number != kNone) {
        return call<Number>(raw(arguments)...);
    }
};

}  // namespace detail

/// Any number at all, for those that want to see what the kernel says of it.
using detail::call;

#ifdef ASTRA_RUNTIME_LINUX
#define ASTRA_STUB_NUMBER(linux_nr, astra_nr) linux_nr
#else
#define ASTRA_STUB_NUMBER(linux_nr, astra_nr) astra_nr
#endif

namespace stubs {
using namespace abi;
inline constexpr u16 kNone = detail::kNone;
#define ASTRA_SYSCALL_STUB(linux_nr, astra_nr, name, summary, names, ...) \
    inline constexpr detail::Stub<ASTRA_STUB_NUMBER(linux_nr, astra_nr), void(__VA_ARGS__)> name;
ASTRA_SYSCALL_TABLE(ASTRA_SYSCALL_STUB)
#undef ASTRA_SYSCALL_STUB
#undef ASTRA_STUB_NUMBER
}  // namespace stubs
using namespace stubs;

}  // namespace astra::sys
