// The boot path's own interfaces: linker symbols and the end for a machine that cannot be started.
#pragma once
#include <string_view>

#include "guest_kernel/arch/arch.hpp"

// Linker symbols (kernel.ld). [text_start, text_end) is mapped read-only, [data_start, data_end) writable.
extern "C" char kernel_text_start[], kernel_code_end[], kernel_text_end[], kernel_data_start[],
    kernel_data_end[];

namespace astra::arch {

/// Says why on the serial port and ends the machine: for what goes wrong before panic() can work.
[[noreturn]] void boot_failure(std::string_view why);

}  // namespace astra::arch
