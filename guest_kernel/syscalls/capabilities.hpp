// prctl(2)'s options about capabilities.
#pragma once
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

/// PR_CAPBSET_READ: 1 when the bounding set has the capability. Errors: EINVAL.
SyscallResult read_bounding_set(u64 capability);
/// PR_CAPBSET_DROP. Errors: EPERM, EINVAL.
SyscallResult drop_from_bounding_set(u64 capability);
/// PR_SET_SECUREBITS. Errors: EPERM, also for unknown and locked bits.
SyscallResult set_secure_bits(u64 bits);
/// PR_SET_KEEPCAPS. Errors: EINVAL, EPERM when locked.
SyscallResult keep_capabilities(u64 keep);
/// PR_CAP_AMBIENT with its operation; `rest_is_zero`: the unused arguments are. Errors: EINVAL, EPERM.
SyscallResult change_ambient_set(u64 operation, u64 capability, bool rest_is_zero);

}  // namespace astra::syscalls
