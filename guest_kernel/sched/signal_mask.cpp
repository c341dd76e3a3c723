// The current thread's view of signals: masks, and taking pending ones by hand.
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

SignalMask blocked_signals() { return current().blocked_signals; }

void set_blocked_signals(SignalMask mask) {
    Thread& thread = current();
    auto signals = thread.process().signals.lock();
    SignalMask newly_blocked = mask & ~thread.blocked_signals;
    thread.blocked_signals = mask & ~kUnblockable;
    if (signals->pending.set & newly_blocked) retarget_signals(*signals, thread);
    update_signal_work(*signals, thread);
}

void set_temporary_mask(SignalMask mask) {
    Thread& thread = current();
    thread.saved_mask = thread.blocked_signals;
    thread.restore_saved_mask = true;
    thread.raise_work(kWorkMask);
    set_blocked_signals(mask);
}

bool take_signal(SignalMask wanted, abi::SigInfo& out) {
    Thread& thread = current();
    {
        auto signals = thread.process().signals.lock();
        bool taken = thread.pending.take(wanted, out) || signals->pending.take(wanted, out);
        update_signal_work(*signals, thread);
        if (!taken) return false;
    }
    timer_signal_taken(out);
    return true;
}

SignalMask pending_signals() {
    Thread& thread = current();
    auto signals = thread.process().signals.lock();
    return thread.pending.set | signals->pending.set;
}

}  // namespace astra::sched
