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

Result<void> wait_for_signal(SignalMask wanted, abi::SigInfo& out, u64 deadline_ns) {
    Thread& thread = current();
    // Senders treat awaited signals as unblocked, and leave their default actions alone.
    auto await = [&](SignalMask mask) {
        auto signals = thread.process().signals.lock();
        thread.awaited_signals = mask;
    };
    await(wanted);
    Errno ended{};
    while (!take_signal(wanted, out)) {
        // A wake-up for a signal that another thread took is no reason to return.
        if (ended == Errno::kETIMEDOUT || (ended == Errno::kRestartSys && thread.signal_pending())) {
            await(0);
            return fail(ended == Errno::kETIMEDOUT ? Errno::kEAGAIN : Errno::kEINTR);
        }
        begin_sleep(Sleep::Interruptible);
        if (pending_signals() & wanted) {
            cancel_sleep();
            continue;
        }
        Result<void> slept = block(deadline_ns);
        ended = slept ? Errno{} : slept.error();
    }
    await(0);
    return {};
}

SignalMask pending_signals() {
    Thread& thread = current();
    auto signals = thread.process().signals.lock();
    return thread.pending.set | signals->pending.set;
}

}  // namespace astra::sched
