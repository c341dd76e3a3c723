// Sending signals: kill(2), tgkill(2), rt_sigqueueinfo(2), pidfd_send_signal(2).
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/internal.hpp"
#include "guest_kernel/sched/pidfd.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

bool valid_or_none(int signal) { return signal >= 0 && signal <= sched::kSignals; }

// kill(2): privileged, or a matching user; SIGCONT also within the session.
bool may_signal(sched::Process& target, int signal) {
    sched::Process& caller = sched::current_process();
    if (&target == &caller) return true;
    sched::Credentials mine = caller.credentials(), its = target.credentials();
    if (mine.can(sched::kCapKill)) return true;
    if (mine.euid == its.suid || mine.euid == its.uid || mine.uid == its.suid || mine.uid == its.uid)
        return true;
    return signal == sched::kSigCont && caller.sid == target.sid;
}

SigInfo from_caller(int signal, int code) {
    sched::Process& caller = sched::current_process();
    SigInfo info = sched::user_signal(signal, caller.pid(), caller.credentials().uid);
    info.code = code;
    return info;
}

// Permission, limit and delivery; signal 0 only checks. `thread` null: to the process.
Result<void> deliver(sched::Process& process, sched::Thread* thread, const SigInfo& info) {
    if (!may_signal(process, info.signo)) return fail(Errno::kEPERM);
    if (info.signo == 0) return {};
    if (info.signo >= sched::kSigRtMin && info.code != sched::kSiUser) {
        auto signals = process.signals.lock();
        u32 queued = thread ? thread->pending.queued : signals->pending.queued;
        if (queued >= signals->limits[sched::kLimitSigPending].current) return fail(Errno::kEAGAIN);
    }
    if (thread)
        sched::send_signal(*thread, info);
    else
        sched::send_signal(process, info);
    return {};
}

// kill(2) with a pid of 0 or below: to every process it means that may be signalled. Errors: ESRCH when it
// means none, EPERM when none may be signalled.
Result<void> deliver_to_many(int pid, const SigInfo& info) {
    sched::Process& caller = sched::current_process();
    int group = pid == 0 ? caller.pgid : -pid;
    bool everyone = pid == -1, found = false, sent = false;
    auto tree = sched::tree().lock();
    for (sched::Process& process : tree->all) {
        bool meant = everyone ? process.pid() != 1 && &process != &caller : process.pgid == group;
        if (!meant) continue;
        found = true;
        if (deliver(process, nullptr, info)) sent = true;
    }
    if (!found) return fail(Errno::kESRCH);
    return sent || everyone ? Result<void>{} : fail(Errno::kEPERM);
}

Result<void> deliver_to_thread(int pid, int tid, const SigInfo& info) {
    Ref<sched::Thread> thread = sched::find_thread(tid);
    if (!thread || (pid > 0 && thread->process().pid() != pid)) return fail(Errno::kESRCH);
    return deliver(thread->process(), thread.get(), info);
}

Result<Ref<sched::Process>> target_process(int pid) {
    Ref<sched::Process> process = sched::find_process(pid);
    if (process) return process;
    // As Linux, any thread's id will do.
    Ref<sched::Thread> thread = sched::find_thread(pid);
    return thread ? Result<Ref<sched::Process>>(Ref<sched::Process>(thread->process())) : fail(Errno::kESRCH);
}

// Programs may not pretend that the kernel or kill(2) sent a signal, except to themselves.
Result<SigInfo> read_info(In<SigInfo> from, int signal, bool to_self) {
    SigInfo info = TRY(mm::read(from));
    info.signo = signal;
    bool forged = info.code >= 0 || info.code == sched::kSiTkill;
    return forged && !to_self ? Result<SigInfo>(fail(Errno::kEPERM)) : info;
}

}  // namespace

SyscallResult sys_kill(int pid, int signal) {
    if (!valid_or_none(signal)) return fail(Errno::kEINVAL);
    SigInfo info = from_caller(signal, sched::kSiUser);
    if (pid == static_cast<int>(0x8000'0000)) return fail(Errno::kESRCH);
    if (pid > 0)
        TRY(deliver(*TRY(target_process(pid)), nullptr, info));
    else
        TRY(deliver_to_many(pid, info));
    return 0;
}

SyscallResult sys_tkill(int tid, int signal) {
    if (tid <= 0 || !valid_or_none(signal)) return fail(Errno::kEINVAL);
    TRY(deliver_to_thread(0, tid, from_caller(signal, sched::kSiTkill)));
    return 0;
}

SyscallResult sys_tgkill(int pid, int tid, int signal) {
    if (pid <= 0 || tid <= 0 || !valid_or_none(signal)) return fail(Errno::kEINVAL);
    TRY(deliver_to_thread(pid, tid, from_caller(signal, sched::kSiTkill)));
    return 0;
}

SyscallResult sys_rt_sigqueueinfo(int pid, int signal, In<SigInfo> info) {
    if (!valid_or_none(signal)) return fail(Errno::kEINVAL);
    SigInfo given = TRY(read_info(info, signal, pid == sched::current_process().pid()));
    TRY(deliver(*TRY(target_process(pid)), nullptr, given));
    return 0;
}

SyscallResult sys_rt_tgsigqueueinfo(int pid, int tid, int signal, In<SigInfo> info) {
    if (pid <= 0 || tid <= 0 || !valid_or_none(signal)) return fail(Errno::kEINVAL);
    SigInfo given = TRY(read_info(info, signal, pid == sched::current_process().pid()));
    TRY(deliver_to_thread(pid, tid, given));
    return 0;
}

SyscallResult sys_pidfd_send_signal(int pidfd, int signal, In<SigInfo> info, u32 flags) {
    if (flags || !valid_or_none(signal)) return fail(Errno::kEINVAL);
    Ref<sched::Process> target = TRY(sched::signalled_process(pidfd));
    SigInfo given = from_caller(signal, sched::kSiUser);
    if (!info.is_null()) {
        given = TRY(mm::read(info));
        if (given.signo != signal) return fail(Errno::kEINVAL);
        given = TRY(read_info(info, signal, target.get() == &sched::current_process()));
    }
    if (target->state == sched::ProcessState::Reaped) return fail(Errno::kESRCH);
    TRY(deliver(*target, nullptr, given));
    return 0;
}

}  // namespace astra::syscalls
