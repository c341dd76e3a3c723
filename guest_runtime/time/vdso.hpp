// The clock without a system call.
#pragma once
#include <string_view>

#include "guest_kernel/abi/structs.hpp"

namespace astra::time {

/// The address of a function that the kernel mapped into the program (vdso(7)), or null when there is none of
/// this name.
void* vdso_function(std::string_view name);

/// clock_gettime(2): 0 or -errno. Through the vDSO where there is one, some 20 ns; else a system call.
int read_clock(int clock, abi::TimeSpec* now);

}  // namespace astra::time
