// What `astra doctor` finds out about this host and this installation.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace astra::control {

/// One thing that was looked at.
struct Finding {
    enum class Level { Good, Warning, Bad };
    std::string subject;  // "/dev/kvm", "engine qemu", "kernel isolated"
    Level level = Level::Good;
    std::string detail;  // one line
    std::string hint;    // what to do; empty when there is nothing to do
};

struct DoctorReport {
    std::vector<Finding> findings;
    bool can_run = false;  // `auto` has something to choose
    std::string engine;    // what it would choose; empty unless can_run
    std::string kernel;    // "isolated" or "flat"; empty unless can_run
    std::string reason;    // why, one line; or why nothing can be chosen
    uint64_t memory_available_mib = 0;
};

}  // namespace astra::control
