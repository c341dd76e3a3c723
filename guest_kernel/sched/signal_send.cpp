// Generating signals: who gets them, who is woken, what ends at once.
#include "guest_kernel/sched/internal.hpp"
#include "guest_kernel/sched/signalfd.hpp"

namespace astra::sched {

namespace {

bool wants(const Thread& thread, SignalMask bit) {
    return bit & (~thread.blocked_signals | thread.awaited_signals);
}

// Stop signals and SIGCONT cancel each other's pending instances, whatever their actions (POSIX 2.4.1).
void cancel_opposites(Signals& signals, int signal) {
    SignalMask gone = 0;
    if (signal_bit(signal) & kStopSignals) gone = signal_bit(kSigCont);
    if (signal == kSigCont) gone = kStopSignals;
    if (!gone) return;
    signals.pending.discard(gone);
    for (Thread& thread : signals.threads) thread.pending.discard(gone);
}

void continue_process(Process& process, Signals& signals) {
    signals.stop_due = false;
    if (!signals.stopped) return;
    signals.stopped = false;
    signals.stopping = 0;
    signals.continued = true;
    signals.notify_continued = true;  // by the first thread that runs again
    process.continue_waiters.wake_all();
}

// The thread that should look at a process-wide signal: as in Linux the leader, which comes first, if it can.
Thread* choose_thread(const Signals& signals, SignalMask bit) {
    for (Thread& thread : signals.threads)
        if (wants(thread, bit)) return &thread;
    return nullptr;
}

bool is_fatal(const Signals& signals, const Thread& taker, int signal) {
    SignalMask bit = signal_bit(signal);
    if (bit & (kIgnoredByDefault | kStopSignals)) return false;
    return signals.actions[signal - 1].handler == kSigDefault && !(taker.blocked_signals & bit);
}

// `target` null: any thread of the process. Returns false when the signal was thrown away or its details
// lost.
bool generate(Process& process, Signals& signals, Thread* target, const abi::SigInfo& info) {
    int signal = info.signo;
    SignalMask bit = signal_bit(signal);
    if (!signals.live_threads || signals.threads.empty()) return false;
    if (signals.exiting && !(signals.survivor && signal == kSigKill)) return false;
    cancel_opposites(signals, signal);
    if (signal == kSigCont) continue_process(process, signals);
    const Thread& judge = target ? *target : *signals.threads.front();
    if (signals.ignores(signal) && !(judge.blocked_signals & bit)) return false;
    bool kept = (target ? target->pending : signals.pending).add(info);
    wake_signalfds();
    Thread* taker = target ? (wants(*target, bit) ? target : nullptr) : choose_thread(signals, bit);
    if (!taker) return kept;
    if (is_fatal(signals, *taker, signal))
        begin_group_exit(signals, signal, nullptr);
    else
        kick_thread(*taker, false);
    return kept;
}

}  // namespace

bool Signals::ignores(int signal) const {
    u64 handler = actions[signal - 1].handler;
    return handler == kSigIgnore || (handler == kSigDefault && signal_bit(signal) & kIgnoredByDefault);
}

void kick_thread(Thread& thread, bool fatal) {
    thread.raise_work(fatal ? kWorkExit : kWorkSignal);
    if (thread.state != ThreadState::Sleeping) return;
    if (thread.sleep_kind == Sleep::Interruptible || (fatal && thread.sleep_kind == Sleep::Killable))
        wake_thread(thread);
}

bool begin_group_exit(Signals& signals, int wait_status, Thread* survivor) {
    if (signals.exiting && !signals.survivor) return false;
    // A fatal signal also ends a thread that was about to execute another program.
    signals.exiting = true;
    signals.exit_status = wait_status;
    signals.survivor = survivor;
    signals.stopped = false;
    signals.stopping = 0;
    for (Thread& thread : signals.threads)
        if (&thread != survivor) kick_thread(thread, true);
    return true;
}

void update_signal_work(const Signals& signals, Thread& thread) {
    SignalMask pending = thread.pending.set | signals.pending.set;
    if (pending & ~thread.blocked_signals || signals.stopped || signals.notify_continued)
        thread.raise_work(kWorkSignal);
    else
        thread.clear_work(kWorkSignal);
}

void retarget_signals(Signals& signals, Thread& leaving) {
    for (Thread& thread : signals.threads)
        if (&thread != &leaving && signals.pending.set & ~thread.blocked_signals) kick_thread(thread, false);
}

bool try_send_signal(Process& process, Thread* target, const abi::SigInfo& info) {
    return process.signals.with([&](Signals& signals) { return generate(process, signals, target, info); });
}

void send_signal(Process& process, const abi::SigInfo& info) {
    (void)try_send_signal(process, nullptr, info);
}

void send_signal(Thread& thread, const abi::SigInfo& info) {
    (void)try_send_signal(thread.process(), &thread, info);
}

void force_signal(const abi::SigInfo& info) {
    Thread& thread = current();
    auto signals = thread.process().signals.lock();
    SignalMask bit = signal_bit(info.signo);
    abi::SigAction& action = signals->actions[info.signo - 1];
    if (thread.blocked_signals & bit || action.handler == kSigIgnore) {
        action.handler = kSigDefault;
        thread.blocked_signals &= ~bit;
    }
    (void)thread.pending.add(info);  // a signal lost to lack of memory is still pending
    thread.raise_work(kWorkSignal);
}

u32 signal_group(int pgid, const abi::SigInfo& info) {
    u32 count = 0;
    auto processes = tree().lock();
    for (Process& process : processes->all) {
        if (process.pgid != pgid || process.state != ProcessState::Live) continue;
        send_signal(process, info);
        count++;
    }
    return count;
}

}  // namespace astra::sched
