// What a guest's counters say, summed over its CPUs: the numbers behind `--stats`.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace astra::control {

/// One system call's row. Times are nanoseconds from entry to exit, blocked time included; all but `calls`
/// and `errors` stay 0 while timing is off.
struct SyscallStatistics {
    std::string name;
    uint64_t calls = 0;
    uint64_t errors = 0;
    uint64_t total_ns = 0;
    uint64_t mean_ns = 0;
    uint64_t p50_ns = 0;  // estimated inside a power-of-two bucket, never above max_ns
    uint64_t p99_ns = 0;
    uint64_t max_ns = 0;
    uint64_t blocked_ns = 0;            // of total_ns, off the CPU
    std::vector<uint64_t> histogram{};  // bucket i: calls of [2^i, 2^(i+1)) ns; the last has no upper end
};

/// A number the guest kernel does not implement and answered with ENOSYS.
struct UnknownSyscall {
    uint64_t number = 0;
    uint64_t calls = 0;
};

/// A counter that is not about one system call.
struct NamedCounter {
    std::string name;  // "page_faults"
    uint64_t value = 0;
};

struct Statistics {
    std::vector<SyscallStatistics> syscalls;  // those called at least once, most total time first
    std::vector<UnknownSyscall> unknown;      // by number
    std::vector<NamedCounter> counters;       // in the layout's order, zeroes too
};

}  // namespace astra::control
