// Errors of the host side: one clear line, and what to do next.
#pragma once
#include <cerrno>
#include <cstring>
#include <string>

#include "guest_kernel/base/try.hpp"
#include "guest_kernel/base/types.hpp"

namespace astra::vmm {

/// What kind of failure, for exit statuses and, later, RPC status codes.
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

/// Failure of a system call: `what` and errno's text.
inline std::unexpected<Error> fail_errno(std::string what, int number = errno) {
    Code code = number == ENOENT                       ? Code::NotFound
                : number == EACCES || number == EPERM  ? Code::PermissionDenied
                : number == ENOMEM || number == ENOSPC ? Code::ResourceExhausted
                                                       : Code::Internal;
    return fail(code, std::move(what) + ": " + std::strerror(number));
}

}  // namespace astra::vmm
