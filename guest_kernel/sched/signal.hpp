// Signals: sets, queues and dispositions (signal(7)). Delivery to programs is in signal_delivery.cpp, the
// frames they see in signal_frame.cpp.
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/base/result.hpp"

namespace astra::sched {

inline constexpr int kSignals = 64;
using SignalMask = abi::SigSet;  // bit n-1: signal n
constexpr SignalMask signal_bit(int signal) { return SignalMask{1} << (signal - 1); }

/// Signal numbers (asm/signal.h).
enum Signal : int {
    kSigHup = 1,
    kSigInt = 2,
    kSigQuit = 3,
    kSigIll = 4,
    kSigTrap = 5,
    kSigAbrt = 6,
    kSigBus = 7,
    kSigFpe = 8,
    kSigKill = 9,
    kSigUsr1 = 10,
    kSigSegv = 11,
    kSigUsr2 = 12,
    kSigPipe = 13,
    kSigAlrm = 14,
    kSigTerm = 15,
    kSigStkflt = 16,
    kSigChld = 17,
    kSigCont = 18,
    kSigStop = 19,
    kSigTstp = 20,
    kSigTtin = 21,
    kSigTtou = 22,
    kSigUrg = 23,
    kSigXcpu = 24,
    kSigXfsz = 25,
    kSigVtalrm = 26,
    kSigProf = 27,
    kSigWinch = 28,
    kSigIo = 29,
    kSigPwr = 30,
    kSigSys = 31,
    kSigRtMin = 32,
};

inline constexpr u64 kSigDefault = 0, kSigIgnore = 1;  // SIG_DFL, SIG_IGN
inline constexpr SignalMask kUnblockable = signal_bit(kSigKill) | signal_bit(kSigStop);
inline constexpr SignalMask kStopSignals =
    signal_bit(kSigStop) | signal_bit(kSigTstp) | signal_bit(kSigTtin) | signal_bit(kSigTtou);
/// Ignored when their action is the default one.
inline constexpr SignalMask kIgnoredByDefault =
    signal_bit(kSigChld) | signal_bit(kSigCont) | signal_bit(kSigUrg) | signal_bit(kSigWinch);
/// Caused by the thread's own instruction: delivered before all others.
inline constexpr SignalMask kSynchronous = signal_bit(kSigSegv) | signal_bit(kSigBus) | signal_bit(kSigIll) |
                                           signal_bit(kSigTrap) | signal_bit(kSigFpe) | signal_bit(kSigSys);

/// SA_* flags (sigaction(2)).
enum SaFlag : u64 {
    kSaNoCldStop = 1,
    kSaNoCldWait = 2,
    kSaSigInfo = 4,
    kSaRestorer = 0x0400'0000,
    kSaOnStack = 0x0800'0000,
    kSaRestart = 0x1000'0000,
    kSaNoDefer = 0x4000'0000,
    kSaResetHand = 0x8000'0000,
};

/// si_code values (asm-generic/siginfo.h).
enum SigCode : i32 {
    kSiUser = 0,
    kSiKernel = 0x80,
    kSiQueue = -1,
    kSiTimer = -2,
    kSiTkill = -6,
    kCldExited = 1,
    kCldKilled = 2,
    kCldDumped = 3,
    kCldTrapped = 4,
    kCldStopped = 5,
    kCldContinued = 6,
};

/// One queued instance of a signal.
struct QueuedSignal {
    ListNode node;
    abi::SigInfo info;
};

/// Signals generated and not yet delivered: a bit each, and queued instances (one per standard signal).
/// Guarded by the owner's lock.
struct PendingSignals {
    SignalMask set = 0;
    List<QueuedSignal, &QueuedSignal::node> queue;
    u32 queued = 0;  // instances on the queue

    /// Adds an instance. A standard signal already pending absorbs it (true all the same). False: a real-time
    /// signal's instance could not be queued for lack of memory; the signal is pending, its details are lost.
    bool add(const abi::SigInfo& info);
    /// Takes the next signal of `wanted` out: synchronous ones first, then by number, each in order of
    /// arrival. False: none is pending.
    bool take(SignalMask wanted, abi::SigInfo& out);
    /// Drops every instance of the signals in `mask`.
    void discard(SignalMask mask);
    PendingSignals() = default;
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
/// Sends to every process of a group, without permission checks (terminals, the kernel). Returns how many
/// there were. Takes the process tree's mutex.
u32 signal_group(int pgid, const abi::SigInfo& info);

/// SigInfo for kernel- and user-originated signals.
abi::SigInfo kernel_signal(int signal);
abi::SigInfo user_signal(int signal, int pid, u32 uid);
abi::SigInfo fault_signal(int signal, int code, u64 address);

/// What the current thread blocks.
SignalMask blocked_signals();
/// Changes the current thread's mask (SIGKILL and SIGSTOP are left out).
void set_blocked_signals(SignalMask mask);
/// Blocks `mask` for the length of one call (ppoll, sigsuspend, …): the old mask comes back when the call
/// returns to the program, after any signal it let through was handled. Call once per system call.
void set_temporary_mask(SignalMask mask);
/// Takes a pending signal of `wanted` for the current thread, its own first (sigtimedwait, signalfd). False:
/// none.
bool take_signal(SignalMask wanted, abi::SigInfo& out);
/// Waits until a signal of `wanted` is pending, blocked or not, and takes it. Errors: EAGAIN at
/// `deadline_ns`, EINTR when another signal is to be handled.
Result<void> wait_for_signal(SignalMask wanted, abi::SigInfo& out, u64 deadline_ns);
/// Signals pending for the current thread or its process, blocked ones included.
SignalMask pending_signals();

}  // namespace astra::sched
