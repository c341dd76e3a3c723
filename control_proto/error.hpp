// How everything on the host side reports failure: one clear line, and what to do next.
#pragma once
#include <string>

#include "guest_kernel/base/try.hpp"

namespace astra::control {

/// What kind of failure, for exit statuses and status codes.
enum class Code {
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unavailable,
    ResourceExhausted,
    Corrupt,
    Internal,
    AlreadyExists,
    FailedPrecondition,
    OutOfRange,
    DeadlineExceeded,
    Cancelled,
};

struct Error {
    Code code = Code::Internal;
    std::string message;  // one line, names the cause: "rootfs.tar: member 3: path contains '..'"
    std::string hint;     // what the user can do; may be empty
    /// For programs, stable and upper case: "GUEST_NOT_FOUND"; empty: nothing more precise than the code.
    std::string reason = {};
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Code code, std::string message, std::string hint = {},
                                   std::string reason = {}) {
    return std::unexpected<Error>(Error{code, std::move(message), std::move(hint), std::move(reason)});
}

}  // namespace astra::control
