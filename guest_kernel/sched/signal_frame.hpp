// The frames that signal handlers see, exactly as Linux lays them out on x86-64
// (arch/x86/include/uapi/asm/sigcontext.h, ucontext.h).
#pragma once
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/sched/signal.hpp"

namespace astra::sched {

/// Builds a handler's frame on the current program's stack (or its alternate one) and points `regs` at the
/// handler. `mask` is what rt_sigreturn will restore. Errors: EFAULT when the stack cannot take it.
Result<void> push_signal_frame(arch::UserRegisters& regs, const abi::SigInfo& info,
                               const abi::SigAction& action, SignalMask mask);
/// rt_sigreturn(2): restores what the frame at the stack pointer says, made safe. Errors: EFAULT, with the
/// program's state partly replaced: it is to get SIGSEGV.
Result<void> pop_signal_frame(arch::UserRegisters& regs);
/// Bytes a frame needs at most (AT_MINSIGSTKSZ).
u64 signal_frame_size();
/// True when the current program runs on its alternate stack.
bool on_alt_stack(u64 sp);

}  // namespace astra::sched
