// Making threads and processes: fork(2), vfork(2), clone(2).
#pragma once
#include "guest_kernel/sched/process.hpp"

namespace astra::sched {

/// CLONE_* flags (linux/sched.h).
enum CloneFlag : u64 {
    kCloneVm = 0x100,
    kCloneFs = 0x200,
    kCloneFiles = 0x400,
    kCloneSigHand = 0x800,
    kClonePidFd = 0x1000,
    kClonePtrace = 0x2000,
    kCloneVfork = 0x4000,
    kCloneParent = 0x8000,
    kCloneThread = 0x10000,
    kCloneNewNs = 0x20000,
    kCloneSysVSem = 0x40000,
    kCloneSetTls = 0x80000,
    kCloneParentSetTid = 0x100000,
    kCloneChildClearTid = 0x200000,
    kCloneDetached = 0x400000,
    kCloneUntraced = 0x800000,
    kCloneChildSetTid = 0x1000000,
    kCloneNewCgroup = 0x2000000,
    kCloneNewUts = 0x4000000,
    kCloneNewIpc = 0x8000000,
    kCloneNewUser = 0x10000000,
    kCloneNewPid = 0x20000000,
    kCloneNewNet = 0x40000000,
    kCloneIo = 0x80000000,
    kCloneClearSigHand = 0x1'0000'0000,
    kCloneIntoCgroup = 0x2'0000'0000,
};

struct CloneRequest {
    u64 flags = 0;
    int exit_signal = 0;
    u64 stack = 0;  // the child's stack pointer; 0: the caller's
    u64 tls = 0;
    UserAddr parent_tid, child_tid, pidfd;
};

/// Makes a copy of the current thread as `request` says and starts it; the child returns 0 to its program.
/// With CLONE_VFORK returns when the child has executed another program or ended. Returns the child's id.
/// Errors: EINVAL, EAGAIN, ENOMEM, EPERM (namespaces), EFAULT.
Result<int> clone(const CloneRequest& request);

/// unshare(2): the current process gets its own copy of what `flags` name and another process shares.
/// Threads always share everything with each other. Errors: EINVAL (unknown flags, or what threads share),
/// EPERM and EINVAL for namespaces as clone, ENOMEM.
Result<void> unshare(u64 flags);

}  // namespace astra::sched
