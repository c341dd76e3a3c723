// The machine's name and version, as uname(2) and /proc/sys/kernel show them.
#pragma once
#include <string_view>

#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/result.hpp"

namespace astra {

abi::UtsName system_identity();
/// sethostname(2), setdomainname(2) by the current process. Errors: EPERM, EINVAL when it is too long.
Result<void> set_host_name(std::string_view name);
Result<void> set_domain_name(std::string_view name);

}  // namespace astra
