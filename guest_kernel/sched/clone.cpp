// fork(2), vfork(2), clone(2): copying what is copied and sharing what is shared.
#include "guest_kernel/sched/clone.hpp"

#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/internal.hpp"
#include "guest_kernel/sched/pidfd.hpp"

namespace astra::sched {

namespace {

constexpr u64 kNamespaces =
    kCloneNewNs | kCloneNewCgroup | kCloneNewUts | kCloneNewIpc | kCloneNewPid | kCloneNewNet;
constexpr u64 kKnown = (u64{kCloneIntoCgroup} << 1) - 1;
constexpr u32 kMostThreads = 16384;

bool has_all(u64 flags, u64 wanted) { return (flags & wanted) == wanted; }

Result<void> refuse_namespaces(u64 flags) {
    if (!(flags & kNamespaces)) return {};
    return fail(current_process().credentials().can(kCapSysAdmin) ? Errno::kEINVAL : Errno::kEPERM);
}

// clone(2), ERRORS. What this kernel does not have is refused: namespaces, threads with their own descriptors
// or working directory, and signal handlers shared between processes.
Result<void> check_flags(const CloneRequest& request) {
    u64 flags = request.flags;
    if (flags & ~kKnown || flags & (kCloneNewUser | kCloneIntoCgroup)) return fail(Errno::kEINVAL);
    TRY(refuse_namespaces(flags));
    if (flags & kCloneSigHand && !(flags & kCloneVm)) return fail(Errno::kEINVAL);
    if (flags & kCloneThread && !has_all(flags, kCloneSigHand | kCloneFs | kCloneFiles))
        return fail(Errno::kEINVAL);
    if (flags & kCloneSigHand && !(flags & kCloneThread)) return fail(Errno::kEINVAL);
    if (flags & kCloneClearSigHand && flags & kCloneSigHand) return fail(Errno::kEINVAL);
    if (flags & kClonePidFd && flags & (kCloneThread | kCloneDetached)) return fail(Errno::kEINVAL);
    if (request.exit_signal < 0 || request.exit_signal > kSignals) return fail(Errno::kEINVAL);
    // As arch_prctl(2): an address beyond the program half may not even be one the CPU accepts.
    if (flags & kCloneSetTls && request.tls >= arch::kUserEnd) return fail(Errno::kEPERM);
    return {};
}

// First code of a cloned thread.
void cloned_thread_main(void* self) {
    finish_switch();
    arch::interrupts_enable();
    auto& thread = *static_cast<Thread*>(self);
    UserAddr word = std::exchange(thread.set_child_tid, UserAddr());
    // As Linux: a bad address is the program's loss, found by whoever reads the word.
    if (!word.is_null()) (void)mm::write(abi::Out<int>(word), thread.tid());
    prepare_return_to_user(&thread.registers());
    arch::return_to_user();
}

void copy_thread_state(Thread& child, Thread& parent, const CloneRequest& request) {
    arch::UserRegisters& regs = child.registers();
    regs = parent.registers();
    regs.rax = 0;
    regs.orig_rax = ~u64{0};  // the child does not restart the call it came from
    if (request.stack) regs.rsp = request.stack;
    arch::fpu_save(parent.fpu);
    __builtin_memcpy(child.fpu, parent.fpu, arch::fpu_state_size());
    child.fs_base = request.flags & kCloneSetTls ? request.tls : arch::get_fs_base();
    child.gs_base = arch::get_user_gs_base();
    child.blocked_signals = parent.blocked_signals;
    bool other_stack = has_all(request.flags, kCloneVm) && !(request.flags & kCloneVfork);
    if (!other_stack) child.alt_stack = parent.alt_stack;
    child.affinity = parent.affinity.load();
    bool real_time = parent.policy.priority > 0;
    if (parent.policy.reset_on_fork)
        child.policy = {real_time ? 0 : parent.policy.policy};
    else
        child.policy = parent.policy;
    child.timer_slack_ns = parent.timer_slack_ns;
    child.set_name(parent.name);
    if (request.flags & kCloneChildSetTid) child.set_child_tid = request.child_tid;
    if (request.flags & kCloneChildClearTid) child.clear_child_tid = request.child_tid;
    prepare_thread(child, cloned_thread_main);
}

// Memory, descriptors and the like, shared or copied.
Result<void> copy_belongings(Process& child, Process& parent, u64 flags) {
    if (flags & kCloneVm) {
        ProcessAccess::space(child) = parent.space_ref();
        parent.space().users++;
    } else {
        ProcessAccess::space(child) = TRY(parent.space().fork());
    }
    ProcessAccess::fds(child) = flags & kCloneFiles ? parent.fds_ref() : TRY(parent.fds().clone());
    ProcessAccess::fs(child) = flags & kCloneFs ? parent.fs_ref() : TRY(parent.fs().clone());
    child.executable_path = TRY(parent.executable_path.clone());
    return {};
}

void copy_dispositions(Process& child, Process& parent, u64 flags) {
    Signals& to = child.signals.unlocked();
    parent.signals.with([&](Signals& from) {
        __builtin_memcpy(to.actions, from.actions, sizeof to.actions);
        __builtin_memcpy(to.limits, from.limits, sizeof to.limits);
        to.credentials = from.credentials;
    });
    if (!(flags & kCloneClearSigHand)) return;
    for (abi::SigAction& action : to.actions)
        if (action.handler != kSigIgnore) action = {};
}

// What the child inherits by place in the tree. Tree locked.
void inherit(Process& child, Process& parent, const CloneRequest& request) {
    Process* family = request.flags & kCloneParent ? parent.parent : &parent;
    child.parent = family;
    child.ppid = family ? family->pid() : 0;
    if (family) family->children.push_back(child);
    child.pgid = parent.pgid;
    child.sid = parent.sid;
    child.nice = parent.nice < 0 && current().policy.reset_on_fork ? 0 : parent.nice;
    child.dumpable = parent.dumpable;
    child.no_new_privileges = parent.no_new_privileges;
    child.persona = parent.persona;
    child.barriers = parent.barriers.load();
    child.io_priority = parent.io_priority;
    child.abi = parent.abi;
    child.terminal = parent.terminal;
    child.oom_score_adjust = parent.oom_score_adjust.load();
    child.core_dump_filter = parent.core_dump_filter.load();
    child.executable = parent.executable;
    child.exit_signal = request.flags & kCloneParent ? parent.exit_signal : request.exit_signal;
    child.start_ns = arch::now_ns();
}

Result<int> reserve_id() {
    auto guard = tree().lock();
    if (guard->thread_count >= kMostThreads) return fail(Errno::kEAGAIN);
    Credentials credentials = current_process().credentials();
    if (!credentials.can(kCapSysResource) && !credentials.can(kCapSysAdmin)) {
        u64 limit = current_process().limit(kLimitProcesses), used = 0;
        for (Process& process : guard->all)
            if (process.credentials().uid == credentials.uid) used += process.signals.lock()->live_threads;
        if (used >= limit) return fail(Errno::kEAGAIN);
    }
    return guard->allocate_pid();
}

// Adds the thread to its process; EAGAIN when the process is ending.
Result<void> join(Process& process, Thread& thread) {
    auto signals = process.signals.lock();
    if (signals->exiting) return fail(Errno::kEAGAIN);
    signals->threads.push_back(thread);
    signals->live_threads++;
    if (signals->stopped) signals->stopping++;
    update_signal_work(*signals, thread);
    return {};
}

Result<int> start_sibling(const CloneRequest& request, int tid) {
    Process& process = current_process();
    Ref<Thread> thread = TRY(Thread::create(&process, tid));
    copy_thread_state(*thread, current(), request);
    if (request.flags & kCloneParentSetTid) TRY(mm::write(abi::Out<int>(request.parent_tid), tid));
    {
        auto guard = tree().lock();
        TRY(join(process, *thread));
        guard->add(*thread);
    }
    start_thread(*thread);
    return tid;
}

// The child's pidfd, installed and stored, and taken back when the clone fails after all.
class PidFd {
  public:
    Result<void> install(const CloneRequest& request, Process& child) {
        constexpr bool kCloseOnExec = true;
        Ref<fs::File> file = TRY(open_pidfd(child, 0));
        Process& process = current_process();
        fd_ = TRY(process.fds().install(std::move(file), kCloseOnExec, process.limit(kLimitFiles)));
        return mm::write(abi::Out<int>(request.pidfd), fd_);
    }
    void keep() { fd_ = -1; }
    ~PidFd() {
        if (fd_ >= 0) (void)current_process().fds().close(fd_);  // it was open a moment ago
    }

  private:
    int fd_ = -1;
};

// A process that did not come to life gives up what it shares.
struct Unborn {
    Ref<Process> process;
    ~Unborn() {
        if (!process) return;
        Ref<mm::AddressSpace> space = std::exchange(ProcessAccess::space(*process), nullptr);
        if (space) retire_space(std::move(space));
    }
};

Result<int> start_child(const CloneRequest& request, int pid) {
    Process& parent = current_process();
    Unborn unborn{TRY(ProcessAccess::create())};
    Process& child = *unborn.process;
    ProcessAccess::set_pid(child, pid);
    TRY(copy_belongings(child, parent, request.flags));
    copy_dispositions(child, parent, request.flags);
    TRY(watch_cpu_limit(child));
    Ref<Thread> thread = TRY(Thread::create(&child, pid));
    copy_thread_state(*thread, current(), request);
    PidFd pidfd;
    if (request.flags & kClonePidFd) TRY(pidfd.install(request, child));
    if (request.flags & kCloneParentSetTid) TRY(mm::write(abi::Out<int>(request.parent_tid), pid));
    bool vfork = request.flags & kCloneVfork;
    child.vfork_done = !vfork;
    {
        auto guard = tree().lock();
        if (current().kill_pending()) return fail(Errno::kEAGAIN);
        TRY(join(child, *thread));
        inherit(child, parent, request);
        guard->add(child);
        guard->add(*thread);
    }
    pidfd.keep();
    Ref<Process> born = std::move(unborn.process);
    count_fork();
    start_thread(*thread);
    if (vfork)  // a parent that is killed does not wait
        (void)born->vfork_waiters.wait([&] { return born->vfork_done.load(); }, Sleep::Killable);
    return pid;
}

}  // namespace

Result<int> clone(const CloneRequest& request) {
    TRY(check_flags(request));
    int id = TRY(reserve_id());
    return request.flags & kCloneThread ? start_sibling(request, id) : start_child(request, id);
}

Result<void> unshare(u64 flags) {
    constexpr u64 kAmongThreads = kCloneThread | kCloneSigHand | kCloneVm;
    constexpr u64 kCopied = kCloneFs | kCloneFiles | kCloneSysVSem;
    if (flags & ~(kAmongThreads | kCopied | kNamespaces)) return fail(Errno::kEINVAL);
    TRY(refuse_namespaces(flags));
    Process& process = current_process();
    bool alone = process.signals.lock()->live_threads == 1;
    if (!alone && flags & (kAmongThreads | kCopied)) return fail(Errno::kEINVAL);
    if (flags & kCloneVm && process.space().users > 1) return fail(Errno::kEINVAL);
    Ref<fs::FdTable> files;
    Ref<fs::Context> context;
    if (flags & kCloneFiles) files = TRY(process.fds().clone());
    if (flags & kCloneFs) context = TRY(process.fs().clone());
    {
        auto signals = process.signals.lock();
        if (files) std::swap(ProcessAccess::fds(process), files);
        if (context) std::swap(ProcessAccess::fs(process), context);
    }
    return {};
}

}  // namespace astra::sched
