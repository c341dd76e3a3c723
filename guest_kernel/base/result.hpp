// Result<T>: how everything inside the guest reports failure. One error enum: Linux's errno values.
#pragma once
#include "guest_kernel/abi/errno.hpp"
#include "guest_kernel/base/try.hpp"
#include "guest_kernel/base/types.hpp"

namespace astra {

using abi::Errno;

template <class T>
using Result = std::expected<T, Errno>;

/// What a system call answers: a value for the program, or an errno that the dispatcher negates.
using SyscallResult = Result<i64>;

inline std::unexpected<Errno> fail(Errno e) { return std::unexpected<Errno>(e); }

}  // namespace astra
