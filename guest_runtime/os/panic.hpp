// panic: a program that found itself broken says where and ends with SIGABRT.
#pragma once
#include <source_location>
#include <string_view>

namespace astra {

/// Prints "thread 'NAME' panicked at FILE:LINE: MESSAGE" on stderr and aborts the process. There is no
/// unwinding: destructors do not run.
[[noreturn]] void panic(std::string_view message,
                        std::source_location where = std::source_location::current());

/// Panics unless `good`.
inline void assert_that(bool good, std::string_view message,
                        std::source_location where = std::source_location::current()) {
    if (!good) [[unlikely]]
        panic(message, where);
}

/// The value of a Result; an error panics with its text (Rust's unwrap).
template <class R>
auto unwrap(R&& result, std::source_location where = std::source_location::current()) {
    if (!result.has_value()) [[unlikely]]
        panic(result.error().message(), where);
    return *std::forward<R>(result);
}

}  // namespace astra
