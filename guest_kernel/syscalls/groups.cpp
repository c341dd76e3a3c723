// Process groups and sessions: setpgid(2), setsid(2), credentials(7).
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

// The process with id `pid`, 0 meaning the caller. Tree locked. Errors: ESRCH.
Result<sched::Process*> named_process(sched::ProcessTree& tree, int pid) {
    if (pid == 0) return &sched::current_process();
    sched::Process* process = tree.find(pid);
    return process ? Result<sched::Process*>(process) : fail(Errno::kESRCH);
}

}  // namespace

SyscallResult sys_setpgid(int pid, int pgid) {
    if (pgid < 0) return fail(Errno::kEINVAL);
    sched::Process& caller = sched::current_process();
    auto tree = sched::tree().lock();
    sched::Process& target = *TRY(named_process(*tree, pid));
    if (&target != &caller) {
        if (target.parent != &caller) return fail(Errno::kESRCH);
        if (target.sid != caller.sid) return fail(Errno::kEPERM);
        if (target.has_execed) return fail(Errno::kEACCES);
    }
    if (target.sid == target.pid()) return fail(Errno::kEPERM);
    if (pgid == 0) pgid = target.pid();
    if (pgid != target.pid() && !tree->group_exists(pgid, caller.sid)) return fail(Errno::kEPERM);
    target.pgid = pgid;
    return 0;
}

SyscallResult sys_getpgid(int pid) {
    auto tree = sched::tree().lock();
    return TRY(named_process(*tree, pid))->pgid;
}

SyscallResult sys_getpgrp() { return sched::current_process().pgid; }

SyscallResult sys_getsid(int pid) {
    auto tree = sched::tree().lock();
    return TRY(named_process(*tree, pid))->sid;
}

SyscallResult sys_setsid() {
    sched::Process& caller = sched::current_process();
    Ref<RefCounted> terminal;
    auto tree = sched::tree().lock();
    if (tree->group_exists(caller.pid())) return fail(Errno::kEPERM);
    caller.sid = caller.pgid = caller.pid();
    terminal = std::move(caller.terminal);
    tree.unlock();  // before the terminal's reference goes
    return caller.pid();
}

}  // namespace astra::syscalls
