// Handler prototypes, generated from the one table. A handler gets typed arguments, answers a value or an
// errno, and finds its caller through sched::current().
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/abi/syscall_table.hpp"
#include "guest_kernel/abi/user_ptr.hpp"
#include "guest_kernel/base/result.hpp"

namespace astra::syscalls {

using namespace astra::abi;

#define ASTRA_SYSCALL_PROTOTYPE(linux_nr, astra_nr, name, summary, names, ...) \
    SyscallResult sys_##name(__VA_ARGS__);
ASTRA_SYSCALL_TABLE(ASTRA_SYSCALL_PROTOTYPE)
#undef ASTRA_SYSCALL_PROTOTYPE

}  // namespace astra::syscalls
