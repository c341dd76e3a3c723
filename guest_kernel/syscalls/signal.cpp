// Signals: sending, handling, masking, waiting.
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/internal.hpp"
#include "guest_kernel/sched/signal_frame.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

constexpr usize kSetSize = sizeof(SigSet);
constexpr u64 kLeastAltStack = 2048;  // MINSIGSTKSZ
constexpr i32 kSsOnStack = 1, kSsDisable = 2;
constexpr u32 kSsAutoDisarm = 1u << 31;

bool valid_signal(int signal) { return signal >= 1 && signal <= sched::kSignals; }

// rt_sigprocmask's `how`.
Result<SigSet> apply(int how, SigSet mask, SigSet set) {
    enum { kBlock, kUnblock, kSetMask };
    if (how == kBlock) return mask | set;
    if (how == kUnblock) return mask & ~set;
    if (how == kSetMask) return set;
    return fail(Errno::kEINVAL);
}

// A signal that is now ignored is not pending any more (POSIX 2.4.3).
void discard_if_ignored(sched::Signals& signals, int signal) {
    if (!signals.ignores(signal)) return;
    signals.pending.discard(sched::signal_bit(signal));
    for (sched::Thread& thread : signals.threads) thread.pending.discard(sched::signal_bit(signal));
}

}  // namespace

SyscallResult sys_rt_sigaction(int signum, In<SigAction> act, Out<SigAction> oldact, usize sigsetsize) {
    if (sigsetsize != kSetSize || !valid_signal(signum)) return fail(Errno::kEINVAL);
    bool fixed = sched::signal_bit(signum) & sched::kUnblockable;
    if (!act.is_null() && fixed) return fail(Errno::kEINVAL);
    SigAction wanted{};
    if (!act.is_null()) wanted = TRY(mm::read(act));
    wanted.mask &= ~sched::kUnblockable;
    SigAction old;
    {
        auto signals = sched::current_process().signals.lock();
        old = signals->actions[signum - 1];
        if (!act.is_null()) {
            signals->actions[signum - 1] = wanted;
            discard_if_ignored(*signals, signum);
        }
    }
    TRY(mm::write_if(oldact, old));
    return 0;
}

SyscallResult sys_rt_sigprocmask(int how, In<SigSet> set, Out<SigSet> oldset, usize sigsetsize) {
    if (sigsetsize != kSetSize) return fail(Errno::kEINVAL);
    SigSet old = sched::blocked_signals();
    if (!set.is_null()) sched::set_blocked_signals(TRY(apply(how, old, TRY(mm::read(set)))));
    TRY(mm::write_if(oldset, old));
    return 0;
}

SyscallResult sys_rt_sigreturn() {
    arch::UserRegisters& regs = arch::user_registers();
    if (!sched::pop_signal_frame(regs)) {
        regs.orig_rax = ~u64{0};
        sched::force_signal(sched::kernel_signal(sched::kSigSegv));
    }
    return static_cast<i64>(regs.rax);
}

SyscallResult sys_rt_sigpending(Out<SigSet> set, usize sigsetsize) {
    if (sigsetsize > kSetSize) return fail(Errno::kEINVAL);
    SigSet pending = sched::pending_signals() & sched::blocked_signals();
    TRY(mm::copy_out(set.address(), {reinterpret_cast<u8*>(&pending), sigsetsize}));
    return 0;
}

SyscallResult sys_rt_sigsuspend(In<SigSet> set, usize sigsetsize) {
    if (sigsetsize != kSetSize) return fail(Errno::kEINVAL);
    sched::set_temporary_mask(TRY(mm::read(set)));
    // Only a signal ends it; the mask comes back on the way to the program.
    (void)sched::sleep_until(sched::kForever, sched::Sleep::Interruptible);
    return fail(Errno::kRestartNoHand);
}

// The kernel restarts calls by starting them again, so a program has nothing to restart by this one.
SyscallResult sys_restart_syscall() { return fail(Errno::kEINTR); }

SyscallResult sys_pause() {
    (void)sched::sleep_until(sched::kForever, sched::Sleep::Interruptible);
    return fail(Errno::kRestartNoHand);
}

SyscallResult sys_rt_sigtimedwait(In<SigSet> set, Out<SigInfo> info, In<TimeSpec> timeout, usize sigsetsize) {
    if (sigsetsize != kSetSize) return fail(Errno::kEINVAL);
    SigSet wanted = TRY(mm::read(set)) & ~sched::kUnblockable;
    u64 deadline = sched::kForever;
    if (!timeout.is_null()) deadline = sched::deadline_after(TRY(sched::to_ns(TRY(mm::read(timeout)))));
    SigInfo taken;
    TRY(sched::wait_for_signal(wanted, taken, deadline));
    TRY(mm::write_if(info, taken));
    return taken.signo;
}

SyscallResult sys_sigaltstack(In<SigStack> ss, Out<SigStack> old) {
    sched::Thread& thread = sched::current();
    bool in_use = sched::on_alt_stack(thread.registers().rsp);
    SigStack previous = thread.alt_stack;
    if (in_use) previous.flags |= kSsOnStack;
    if (!ss.is_null()) {
        SigStack wanted = TRY(mm::read(ss));
        u32 mode = static_cast<u32>(wanted.flags) & ~kSsAutoDisarm;
        if (in_use) return fail(Errno::kEPERM);
        if (mode != 0 && mode != kSsOnStack && mode != kSsDisable) return fail(Errno::kEINVAL);
        if (mode == kSsDisable)
            wanted.sp = wanted.size = 0;
        else if (wanted.size < kLeastAltStack)
            return fail(Errno::kENOMEM);
        wanted.flags &= ~kSsOnStack;
        wanted.pad = 0;
        thread.alt_stack = wanted;
    }
    TRY(mm::write_if(old, previous));
    return 0;
}

}  // namespace astra::syscalls
