// Delivering signals on the way back to the program: handlers, default actions, stops, restarts.
#include "guest_kernel/sched/internal.hpp"
#include "guest_kernel/sched/signal_frame.hpp"

namespace astra::sched {

namespace {

constexpr u64 kSyscallInstruction = 2;  // bytes of `syscall`

// The restart code the system call answered, if it is one.
Errno restart_code(const arch::UserRegisters& regs) {
    if (regs.orig_rax == ~u64{0}) return Errno{};
    auto code = static_cast<Errno>(-static_cast<i64>(regs.rax));
    bool restart = code == Errno::kRestartSys || code == Errno::kRestartNoIntr ||
                   code == Errno::kRestartNoHand || code == Errno::kRestartBlock;
    return restart ? code : Errno{};
}

void restart_call(arch::UserRegisters& regs) {
    regs.rax = regs.orig_rax;
    regs.rip -= kSyscallInstruction;
}

// Before a handler runs: restart the interrupted call afterwards, or let it see EINTR.
void settle_call_for_handler(Thread& thread, arch::UserRegisters& regs, u64 action_flags) {
    Errno code = restart_code(regs);
    if (code == Errno{}) return;
    thread.restart_deadline_ns = 0;
    if (code == Errno::kRestartNoIntr || (code == Errno::kRestartSys && action_flags & kSaRestart))
        restart_call(regs);
    else
        regs.rax = static_cast<u64>(-static_cast<i64>(Errno::kEINTR));
}

// No handler ran: the call starts again, a sleep with the deadline it had.
void settle_call(Thread& thread, arch::UserRegisters& regs) {
    Errno code = restart_code(regs);
    if (code == Errno{}) return;
    if (code != Errno::kRestartBlock) thread.restart_deadline_ns = 0;
    restart_call(regs);
}

// Takes part in a stop: sleeps until it is over.
void stay_stopped(Process& process) {
    u32 generation;
    bool last;
    int signal;
    {
        auto signals = process.signals.lock();
        if (!signals->stopped) return;
        generation = signals->stop_generation;
        signal = signals->stop_signal;
        last = signals->stopping && --signals->stopping == 0;
    }
    if (last) tell_parent(process, kCldStopped, signal);
    (void)process.continue_waiters.wait(  // a kill ends it too; the caller looks
        [&] {
            auto signals = process.signals.lock();
            return !signals->stopped || signals->stop_generation != generation;
        },
        Sleep::Killable);
}

void begin_stop(Process& process, int signal) {
    bool job_control = signal != kSigStop;
    if (job_control) {
        auto processes = tree().lock();
        if (processes->is_orphaned(process.pgid)) return;
    }
    auto signals = process.signals.lock();
    // SIGCONT may have come since the signal was taken, or another thread begun the stop.
    if (!signals->stop_due || signals->stopped || signals->exiting) return;
    signals->stop_due = false;
    signals->stopped = true;
    signals->stop_reported = false;
    signals->continued = false;
    signals->stop_signal = signal;
    signals->stopping = signals->live_threads;
    signals->stop_generation++;
    for (Thread& thread : signals->threads) kick_thread(thread, false);
}

enum class Found { Nothing, Stopped, Continued, Exiting, Signal };

Found next_signal(Thread& thread, abi::SigInfo& info, abi::SigAction& action) {
    auto signals = thread.process().signals.lock();
    if (signals->exiting && signals->survivor != &thread) return Found::Exiting;
    if (signals->notify_continued) {
        signals->notify_continued = false;
        return Found::Continued;
    }
    if (signals->stopped) return Found::Stopped;
    SignalMask wanted = ~thread.blocked_signals;
    if (!thread.pending.take(wanted, info) && !signals->pending.take(wanted, info)) {
        update_signal_work(*signals, thread);
        return Found::Nothing;
    }
    action = signals->actions[info.signo - 1];
    if (signal_bit(info.signo) & kStopSignals && action.handler == kSigDefault) signals->stop_due = true;
    if (action.flags & kSaResetHand && action.handler > kSigIgnore)
        signals->actions[info.signo - 1].handler = kSigDefault;
    return Found::Signal;
}

void run_handler(Thread& thread, arch::UserRegisters& regs, const abi::SigInfo& info,
                 const abi::SigAction& action) {
    settle_call_for_handler(thread, regs, action.flags);
    SignalMask mask = thread.restore_saved_mask ? thread.saved_mask : thread.blocked_signals;
    if (!push_signal_frame(regs, info, action, mask)) {
        // Nowhere to put the frame. If SIGSEGV's own handler is the one that does not fit, it is fatal.
        if (info.signo == kSigSegv)
            thread.process().signals.lock()->actions[kSigSegv - 1].handler = kSigDefault;
        force_signal(kernel_signal(kSigSegv));
        return;
    }
    thread.restore_saved_mask = false;
    SignalMask block = action.mask | (action.flags & kSaNoDefer ? 0 : signal_bit(info.signo));
    set_blocked_signals(thread.blocked_signals | block);
}

void act_by_default(Process& process, int signal) {
    SignalMask bit = signal_bit(signal);
    if (bit & kIgnoredByDefault) return;
    if (bit & kStopSignals) return begin_stop(process, signal);
    exit_group(signal);
}

}  // namespace

void tell_parent(Process& process, int code, int status) {
    auto processes = tree().lock();
    Process* parent = process.parent;
    if (!parent) return;
    abi::SigInfo info = user_signal(kSigChld, process.pid(), process.credentials().uid);
    info.code = code;
    info.child.status = status;
    bool wanted = parent->signals.with([](Signals& signals) {
        const abi::SigAction& action = signals.actions[kSigChld - 1];
        return action.handler != kSigIgnore && !(action.flags & kSaNoCldStop);
    });
    if (wanted) send_signal(*parent, info);
    parent->child_events.wake_all();
}

void deliver_signals(Thread& thread, arch::UserRegisters& regs) {
    Process& process = thread.process();
    for (;;) {
        abi::SigInfo info;
        abi::SigAction action;
        switch (next_signal(thread, info, action)) {
            case Found::Exiting: {
                int status = process.signals.lock()->exit_status;  // exit_thread must not run under the lock
                exit_thread(status);
            }
            case Found::Stopped: stay_stopped(process); continue;
            case Found::Continued: tell_parent(process, kCldContinued, kSigCont); continue;
            case Found::Signal: break;
            case Found::Nothing:
                settle_call(thread, regs);
                if (std::exchange(thread.restore_saved_mask, false)) set_blocked_signals(thread.saved_mask);
                return;
        }
        timer_signal_taken(info);
        if (action.handler == kSigIgnore) continue;
        if (action.handler == kSigDefault)
            act_by_default(process, info.signo);
        else
            run_handler(thread, regs, info, action);
    }
}

}  // namespace astra::sched

namespace astra {

void prepare_return_to_user(arch::UserRegisters* regs) {
    using namespace sched;
    Thread& thread = current();
    for (;;) {
        u32 work = thread.work();
        if (work & kWorkReschedule) {
            thread.clear_work(kWorkReschedule);
            end_turn_if_due();
        }
        if (work & (kWorkSignal | kWorkExit | kWorkMask) || restart_code(*regs) != Errno{}) {
            thread.clear_work(kWorkMask);
            deliver_signals(thread, *regs);
        }
        arch::interrupts_disable();
        if (!thread.work()) return;
        arch::interrupts_enable();
    }
}

}  // namespace astra
