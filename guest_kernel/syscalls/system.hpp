// The machine's name and version, as uname(2) and /proc/sys/kernel show them.
#pragma once
#include "guest_kernel/abi/structs.hpp"

namespace astra {

abi::UtsName system_identity();

}  // namespace astra
