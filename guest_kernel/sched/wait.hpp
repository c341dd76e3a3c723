// Waiting for children: wait4(2), waitid(2).
#pragma once
#include "guest_kernel/sched/process.hpp"

namespace astra::sched {

/// Option bits of wait4 and waitid (linux/wait.h).
enum WaitOption : u32 {
    kWaitNoHang = 1,
    kWaitStopped = 2,  // WUNTRACED is the same
    kWaitExited = 4,
    kWaitContinued = 8,
    kWaitNoWait = 0x0100'0000,
    kWaitNoThread = 0x2000'0000,
    kWaitAll = 0x4000'0000,    // __WALL
    kWaitClone = 0x8000'0000,  // __WCLONE
};

/// Which children, and for what.
struct WaitRequest {
    enum class Which { Any, Pid, Group } which = Which::Any;
    int id = 0;
    u32 options = 0;
};
struct WaitResult {
    int pid = 0;  // 0: WNOHANG and nothing has happened
    u32 uid = 0;
    int status = 0;  // as wait4 reports it
    abi::RUsage usage{};
};

/// Waits until a child of the current process that `request` names has changed state. Errors: ECHILD,
/// kRestartSys.
Result<WaitResult> wait_for_child(const WaitRequest& request);

}  // namespace astra::sched
