// io::Error and io::Result: how everything in the runtime reports failure.
#pragma once
#include <expected>
#include <optional>
#include <string_view>

#include "guest_kernel/base/result.hpp"
#include "guest_runtime/io/error_kind.hpp"

namespace astra::fmt {
class Formatter;
}

namespace astra::io {

/// An operating-system error (an errno value) or one of the runtime's own (a kind and a message that lives as
/// long as the program). Prints as Rust's does: "No such file or directory (os error 2)".
class Error {
  public:
    /// Implicit, so that TRY passes on the errors of Vector and String.
    Error(Errno number) : number_(static_cast<int>(number)), kind_(decode_error_kind(number_)) {}
    /// An error of the runtime's own. `message` must be a literal.
    Error(ErrorKind kind, const char* message) : message_(message), kind_(kind) {}
    /// From an errno value (positive).
    static Error from_raw_os_error(int number) { return {static_cast<Errno>(number)}; }
    /// From the errno of the last system call that failed in this thread (os::last_errno).
    static Error last_os_error();

    [[nodiscard]] ErrorKind kind() const { return kind_; }
    /// The errno value, or none for an error of the runtime's own.
    [[nodiscard]] std::optional<int> raw_os_error() const {
        return number_ ? std::optional(number_) : std::nullopt;
    }
    /// What happened, in words.
    [[nodiscard]] std::string_view message() const;
    friend bool operator==(const Error& a, const Error& b) {
        return a.number_ == b.number_ && a.kind_ == b.kind_;
    }

  private:
    int number_ = 0;
    const char* message_ = nullptr;
    ErrorKind kind_;
};

/// A value or an Error. Unwrap with TRY, or look: `if (!r) use(r.error().kind())`.
template <class T>
using Result = std::expected<T, Error>;

/// `return io::failure(ErrorKind::InvalidInput, "empty host name");`
inline std::unexpected<Error> failure(ErrorKind kind, const char* message) {
    return std::unexpected(Error(kind, message));
}

/// Runs `call`, which answers io::Result, again for as long as a signal interrupts it.
template <class Call>
auto retry(Call call) {
    for (;;) {
        auto result = call();
        if (result || result.error().kind() != ErrorKind::Interrupted) return result;
    }
}

void display(fmt::Formatter& out, const Error& error);
void display(fmt::Formatter& out, ErrorKind kind);

}  // namespace astra::io
