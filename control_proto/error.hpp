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
    Internal
};

struct Error {
    Code code = Code::Internal;
    std::string message;  // one line, names the cause: "rootfs.tar: member 3: path contains '..'"
    std::string hint;     // what the user can do; may be empty
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Code code, std::string message, std::string hint = {}) {
    return std::unexpected<Error>(Error{code, std::move(message), std::move(hint)});
}

}  // namespace astra::control
