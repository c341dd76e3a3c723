// What the boot loader hands over: the x86/HVM direct boot ABI (PVH),
// xen/include/public/arch-x86/hvm/start_info.h.
#pragma once
#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/arch/x86_64/range_set.hpp"

namespace astra::arch {

struct BootData {
    RangeSet ram;            // type RAM, everything else taken out; not yet less kernel and module
    BootInfo::Range module;  // module 0; size 0: none
};

/// Reads hvm_start_info at physical `address` and copies what it points to (the command line to
/// set_command_line); nothing of it is needed afterwards. Structures that do not lie wholly inside the boot
/// map, or have a wrong magic, stop the machine with a message.
const BootData& read_start_info(PhysAddr address);

}  // namespace astra::arch
