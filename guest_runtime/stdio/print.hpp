// print, println, eprint, eprintln: formatted text to the standard streams, one write(2) for most lines.
#pragma once
#include "guest_runtime/fmt/formatter.hpp"
#include "guest_runtime/io/error.hpp"

namespace astra {

namespace stdio {

/// Gathers up to 1 KiB and writes it to a descriptor; `finish()` writes the rest.
class FdSink final : public fmt::Sink {
  public:
    explicit FdSink(int fd) : fd_(fd) {}
    bool write(std::string_view text) override;
    bool finish();

  private:
    int fd_;
    usize used_ = 0;
    char buffer_[1024];
};

/// Prints to a descriptor, with a line feed at the end when `line`. Errors panic, as Rust's println does,
/// except on stderr, where they are ignored: there is nowhere left to say so.
void print_to(int fd, bool line, std::string_view format, std::span<const fmt::Argument> arguments);

template <class... Args>
void print_checked(int fd, bool line, fmt::FormatString<Args...> format, const Args&... arguments) {
    const fmt::Argument list[] = {fmt::Argument(arguments)..., fmt::Argument(0)};
    print_to(fd, line, format.text, {list, sizeof...(Args)});
}

}  // namespace stdio

/// To stdout: `print("{} of {}\n", i, n)`. The format string is checked at compile time (fmt/spec.hpp).
template <class... Args>
void print(fmt::Format<Args...> format, const Args&... arguments) {
    stdio::print_checked<Args...>(1, false, format, arguments...);
}
/// To stdout, with a line feed.
template <class... Args>
void println(fmt::Format<Args...> format, const Args&... arguments) {
    stdio::print_checked<Args...>(1, true, format, arguments...);
}
inline void println() { println(""); }
/// To stderr.
template <class... Args>
void eprint(fmt::Format<Args...> format, const Args&... arguments) {
    stdio::print_checked<Args...>(2, false, format, arguments...);
}
/// To stderr, with a line feed.
template <class... Args>
void eprintln(fmt::Format<Args...> format, const Args&... arguments) {
    stdio::print_checked<Args...>(2, true, format, arguments...);
}

}  // namespace astra
