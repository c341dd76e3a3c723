// Queues of generated signals.
#include <bit>

#include "guest_kernel/sched/signal.hpp"

namespace astra::sched {

namespace {

bool is_realtime(int signal) { return signal >= kSigRtMin; }

}  // namespace

PendingSignals::~PendingSignals() { discard(~SignalMask{0}); }

bool PendingSignals::add(const abi::SigInfo& info) {
    SignalMask bit = signal_bit(info.signo);
    // A timer has at most one instance pending; it must not be absorbed, for taking it starts the next
    // period.
    if (set & bit && !is_realtime(info.signo) && info.code != kSiTimer) return true;
    set |= bit;
    auto* instance = new (std::nothrow) QueuedSignal;
    if (!instance) return !is_realtime(info.signo) && info.code != kSiTimer;
    instance->info = info;
    queue.push_back(*instance);
    queued++;
    return true;
}

bool PendingSignals::take(SignalMask wanted, abi::SigInfo& out) {
    SignalMask candidates = set & wanted;
    if (!candidates) return false;
    if (candidates & kSynchronous) candidates &= kSynchronous;
    int signal = std::countr_zero(candidates) + 1;
    out = {};
    out.signo = signal;
    bool found = false, more = false;
    for (QueuedSignal& instance : queue) {
        if (instance.info.signo != signal) continue;
        if (found) {
            more = true;
            break;
        }
        found = true;
        out = instance.info;
        queue.remove(instance);
        queued--;
        delete &instance;
    }
    if (!more) set &= ~signal_bit(signal);
    return true;
}

void PendingSignals::discard(SignalMask mask) {
    set &= ~mask;
    for (QueuedSignal& instance : queue) {
        if (!(mask & signal_bit(instance.info.signo))) continue;
        queue.remove(instance);
        queued--;
        delete &instance;
    }
}

abi::SigInfo kernel_signal(int signal) {
    abi::SigInfo info{};
    info.signo = signal;
    info.code = kSiKernel;
    return info;
}

abi::SigInfo user_signal(int signal, int pid, u32 uid) {
    abi::SigInfo info{};
    info.signo = signal;
    info.code = kSiUser;
    info.sender.pid = pid;
    info.sender.uid = uid;
    return info;
}

abi::SigInfo fault_signal(int signal, int code, u64 address) {
    abi::SigInfo info{};
    info.signo = signal;
    info.code = code;
    info.fault.address = address;
    return info;
}

}  // namespace astra::sched
