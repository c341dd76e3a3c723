// Errors of the host side, as its clients see them, and those that come from system calls.
#pragma once
#include <cerrno>
#include <cstring>
#include <string>

#include "control_proto/error.hpp"
#include "guest_kernel/base/types.hpp"

namespace astra::vmm {

using control::Code;
using control::Error;
using control::fail;
using control::Result;

/// Failure of a system call: `what` and errno's text.
inline std::unexpected<Error> fail_errno(std::string what, int number = errno) {
    Code code = number == ENOENT                       ? Code::NotFound
                : number == EACCES || number == EPERM  ? Code::PermissionDenied
                : number == ENOMEM || number == ENOSPC ? Code::ResourceExhausted
                                                       : Code::Internal;
    return fail(code, std::move(what) + ": " + std::strerror(number));
}

}  // namespace astra::vmm
