// Why a guest ended although its program had not: one line for a person and what to do next.
#pragma once
#include <string>
#include <vector>

#include "control_proto/launch.hpp"
#include "vmm/engines/engine.hpp"

namespace astra::vmm {

/// Everything known about a machine's end.
struct EndFacts {
    MachineEnd end = MachineEnd::Failed;
    int wait_status = 0;
    bool greeted = false;   // Hello had come
    bool panicked = false;  // Panicked had come
    std::string panic_report;
    std::string program;              // the process: "astra-vmm", "qemu-system-x86_64"
    std::string kernel_name;          // "isolated", "flat", a path
    std::vector<std::string> errors;  // the last lines of its stderr
    std::string log;                  // the last lines of the guest's log
};

/// The outcome (Panicked or Lost) that those facts amount to. A line "hint: …" on stderr becomes its hint.
[[nodiscard]] control::Outcome explain_end(const EndFacts& facts);

}  // namespace astra::vmm
