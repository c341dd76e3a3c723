// The machine: one guest's memory, vCPUs and devices, from kernel file to how it ended.
#pragma once
#include <optional>
#include <string>
#include <variant>

#include "vmm/machine/device_set.hpp"
#include "vmm/memory/backing.hpp"

namespace astra::vmm {

struct MachineConfig {
    std::string kernel;  // path of a PVH ELF
    u64 memory_bytes = 0;
    u32 cpus = 1;
    std::string image;  // path; empty: none
    ImagePolicy image_policy = ImagePolicy::Copy;
    HostEnds ends;
    net::Config network;
    Fd counters;               // memfd, at least abi::counters::region_bytes(cpus); invalid: no counters slot
    std::string command_line;  // appended to what the machine says about itself
    bool confine = false;  // drop privileges and confine the threads once everything is set up (sandbox.hpp)
    bool trace_exits = false;  // a line on stderr per exit, and a table at the end
};

/// The guest rang the exit doorbell with this value (abi::machine::ExitCode, or whatever it wrote).
struct GuestExit {
    u32 value;
};
/// A vCPU could not go on. `report` is for people: why, and its registers.
struct GuestFault {
    u32 cpu;
    std::string report;
};
using Outcome = std::variant<GuestExit, GuestFault>;

/// Runs a guest to its end, on this thread (devices) and one per vCPU, and returns after all output the guest
/// sent has been taken, or nobody took any for two seconds. Errors are those of setting up, and of the host
/// failing underneath; InvalidArgument for a bad config, Corrupt for a kernel file that is none.
[[nodiscard]] Result<Outcome> run_machine(MachineConfig config);

}  // namespace astra::vmm
