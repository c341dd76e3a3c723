// Signals: sets, queues and dispositions (signal(7)). Delivery to programs is in arch-independent
// signal_delivery.cpp.
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/base/result.hpp"

namespace astra::sched {

inline constexpr int kSignals = 64;
using SignalMask = abi::SigSet;  // bit n-1: signal n
constexpr SignalMask signal_bit(int signal) { return SignalMask{1} << (signal - 1); }

/// One queued instance of a signal.
struct QueuedSignal {
    ListNode node;
    abi::SigInfo info;
};

/// Signals generated and not yet delivered: a bit each, and queued instances (one per standard signal).
struct PendingSignals {
    SignalMask set = 0;
    List<QueuedSignal, &QueuedSignal::node> queue;
    ~PendingSignals();
};

class Process;
class Thread;

/// Sends to a process (any of its threads may take it) or to one thread. Never fails for lack of memory: the
/// instance's details are then lost, the signal is not. Any context.
void send_signal(Process& process, const abi::SigInfo& info);
void send_signal(Thread& thread, const abi::SigInfo& info);
/// A fault the current thread caused: delivered to it at once, fatal when blocked or ignored (force_sig).
void force_signal(const abi::SigInfo& info);
/// SigInfo for kernel- and user-originated signals.
abi::SigInfo kernel_signal(int signal);
abi::SigInfo user_signal(int signal, int pid, u32 uid);
abi::SigInfo fault_signal(int signal, int code, u64 address);

}  // namespace astra::sched
