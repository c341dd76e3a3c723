// What the kernel handed to the program when it started.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::start {

/// argc, argv, the environment and the auxiliary vector, as they lie on the first stack.
struct Arguments {
    int count = 0;
    char** values = nullptr;
    char** environment = nullptr;
    const u64* auxv = nullptr;
};

const Arguments& process_arguments();

/// The value of an entry of the auxiliary vector (getauxval(3)); 0 when it is not there.
u64 auxiliary(u64 type);

}  // namespace astra::start
