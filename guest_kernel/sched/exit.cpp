// The end of threads and processes.
#include "guest_kernel/drivers/tty.hpp"
#include "guest_kernel/fs/poll.hpp"
#include "guest_kernel/ipc/semaphores.hpp"
#include "guest_kernel/sched/futex.hpp"
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

// Who adopts the children of `dying`: the nearest ancestor that asked for it, else the kernel (null), which
// reaps them as they end. So the first program, which is process 1, need not be an init.
Process* adopter(Process& dying) {
    for (Process* p = dying.parent; p; p = p->parent)
        if (p->child_subreaper && p->state == ProcessState::Live) return p;
    return nullptr;
}

abi::SigInfo death_notice(Process& child) {
    abi::SigInfo info{};
    int status = child.signals.with([&](Signals& s) {
        info.child.uid = s.credentials.uid;
        return s.exit_status;
    });
    info.signo = child.exit_signal;
    info.child.pid = child.pid();
    bool killed = status & 0x7f;
    info.code = killed ? kCldKilled : kCldExited;
    info.child.status = killed ? status & 0x7f : status >> 8 & 0xff;
    auto ticks = [](const abi::TimeVal& t) { return t.sec * 100 + t.usec / 10'000; };  // USER_HZ
    info.child.utime = ticks(child.usage.utime);
    info.child.stime = ticks(child.usage.stime);
    return info;
}

// Tells the parent of a zombie. True when nobody will wait for it (wait(2), NOTES: SIGCHLD ignored or
// SA_NOCLDWAIT).
bool notify_parent(Process& child) {
    Process* parent = child.parent;
    if (!parent) return true;
    bool nobody_waits = false, tell = child.exit_signal != 0;
    if (child.exit_signal == kSigChld) {
        abi::SigAction action = parent->signals.lock()->actions[kSigChld - 1];
        nobody_waits = action.handler == kSigIgnore || action.flags & kSaNoCldWait;
        tell = action.handler != kSigIgnore;
    }
    if (tell) send_signal(*parent, death_notice(child));
    parent->child_events.wake_all();
    return nobody_waits;
}

bool has_stopped_member(const ProcessTree& tree, int pgid) {
    for (Process& process : tree.all)
        if (process.pgid == pgid && process.signals.lock()->stopped) return true;
    return false;
}

// A group that just lost the last process able to continue it must not stay stopped for ever (POSIX, exit()).
void rescue_orphans(ProcessTree& tree, int pgid) {
    if (!tree.is_orphaned(pgid) || !has_stopped_member(tree, pgid)) return;
    for (Process& process : tree.all) {
        if (process.pgid != pgid) continue;
        send_signal(process, kernel_signal(kSigHup));
        send_signal(process, kernel_signal(kSigCont));
    }
}

void give_away_children(ProcessTree& tree, Process& dying) {
    constexpr int kInit = 1;  // what programs that watch for their parent's end look for
    Process* heir = adopter(dying);
    while (Process* child = dying.children.pop_front()) {
        child->parent = heir;
        child->ppid = heir ? heir->pid() : kInit;
        child->exit_signal = kSigChld;
        if (heir) heir->children.push_back(*child);
        if (child->state == ProcessState::Live && child->death_signal)
            send_signal(*child, kernel_signal(child->death_signal));
        if (child->state == ProcessState::Zombie && notify_parent(*child)) {
            tree.reap(*child);
            continue;
        }
        if (child->pgid != dying.pgid && child->sid == dying.sid) rescue_orphans(tree, child->pgid);
    }
}

// The leader of a session leaves its terminal.
void leave_terminal(Process& leader) {
    if (leader.sid != leader.pid()) return;
    if (Ref<RefCounted> terminal = std::move(leader.terminal)) end_session(*terminal);
}

void finish_process(Process& process) {
    u64 tag;
    int status;
    {
        auto guard = tree().lock();
        give_away_children(*guard, process);
        Process* parent = process.parent;
        bool was_link = parent && parent->pgid != process.pgid && parent->sid == process.sid;
        process.state = ProcessState::Zombie;
        if (was_link) rescue_orphans(*guard, process.pgid);
        status = process.signals.lock()->exit_status;
        tag = process.control_tag;
        bool reap = notify_parent(process);
        if (reap) guard->reap(process);
        process.exit_waiters.wake_all(fs::kPollReadable);
    }
    if (tag) report_exit(tag, process.pid(), status);
}

// Everything the process owned except its memory; open files go here.
void drop_belongings(Process& process) {
    drop_timers(process, true);
    ipc::undo_operations(process.pid());
    Ref<fs::FdTable> fds;
    Ref<fs::Context> context;
    {
        auto signals = process.signals.lock();
        fds = std::exchange(ProcessAccess::fds(process), nullptr);
        context = std::exchange(ProcessAccess::fs(process), nullptr);
        signals->pending.discard(~SignalMask{0});
    }
    fds = nullptr;
    leave_terminal(process);
    Ref<fs::File> executable;
    Ref<RefCounted> terminal;
    auto guard = tree().lock();
    executable = std::move(process.executable);
    terminal = std::move(process.terminal);
    guard.unlock();  // before the last references go
}

// Leaves the list of live threads. True for the last one.
bool leave_process(Process& process, Thread& thread, int wait_status) {
    bool stop_complete = false, last;
    int stop_signal;
    {
        auto signals = process.signals.lock();
        thread.exit_status = wait_status;
        if (!signals->exiting && thread.tid() == process.pid()) signals->exit_status = wait_status;
        thread.blocked_signals = ~SignalMask{0};
        retarget_signals(*signals, thread);
        thread.pending.discard(~SignalMask{0});
        if (signals->stopped && signals->stopping) stop_complete = --signals->stopping == 0;
        stop_signal = signals->stop_signal;
        signals->dead_system_ns += thread.system_ns;
        thread.process_node.unlink();
        last = --signals->live_threads == 0;
    }
    process.voluntary_switches += thread.voluntary_switches;
    process.involuntary_switches += thread.involuntary_switches;
    if (stop_complete && !last) tell_parent(process, kCldStopped, stop_signal);
    process.thread_exits.wake_all();
    return last;
}

void end_process(Process& process) {
    process.usage = process.resource_usage();
    drop_belongings(process);
    Ref<mm::AddressSpace> space = replace_space(nullptr);
    release_vfork_parent(process);
    finish_process(process);
    if (space) retire_space(std::move(space));
}

}  // namespace

void release_vfork_parent(Process& child) {
    if (child.vfork_done.exchange(true)) return;
    child.vfork_waiters.wake_all();
}

void exit_thread(int wait_status) {
    Thread& thread = current();
    Process& process = thread.process();
    leave_user_memory(thread);
    tree().lock()->remove(thread);
    if (leave_process(process, thread, wait_status)) end_process(process);
    leave_scheduler();
}

void exit_group(int wait_status) {
    Process& process = current_process();
    {
        auto signals = process.signals.lock();
        if (!begin_group_exit(*signals, wait_status, nullptr)) wait_status = signals->exit_status;
    }
    exit_thread(wait_status);
}

}  // namespace astra::sched
