// What the machine does when a vCPU comes back from the guest.
#pragma once
#include <array>
#include <atomic>

#include "vmm/devices/bus.hpp"
#include "vmm/kvm/exit.hpp"

namespace astra::vmm {

/// The two address spaces devices live in.
struct Buses {
    Bus ports{"port"};
    Bus memory{"mmio"};
};

/// How often each kind of exit happened, by Exit::index(). Written by one vCPU's thread, read by any.
using ExitCounts = std::array<std::atomic<u64>, kExitKinds>;

enum class Verdict {
    Resume,  // run the guest on
    Fault,   // the guest, or KVM, cannot go on
};

/// Counts `exit` and lets the devices answer it.
[[nodiscard]] Verdict handle_exit(Buses& buses, ExitCounts& counts, const Exit& exit);

}  // namespace astra::vmm
