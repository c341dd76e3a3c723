// CPU exceptions of programs become signals, as arch/x86/kernel/traps.c of Linux has them.
#include "guest_kernel/sched/internal.hpp"

namespace astra {

namespace {

using namespace sched;

// si_code values (asm-generic/siginfo.h).
constexpr int kFpeIntDiv = 1, kFpeFltDiv = 3, kFpeFltOvf = 4, kFpeFltUnd = 5, kFpeFltRes = 6, kFpeFltInv = 7;
constexpr int kIllIllOpn = 2, kTrapTrace = 2, kBusAdrAln = 1;

enum Vector : u32 {
    kDivide,
    kDebug,
    kNmi,
    kBreakpoint,
    kOverflow,
    kBounds,
    kInvalidOpcode,
    kNoDevice,
    kDoubleFault,
    kCoprocessorOverrun,
    kInvalidTss,
    kSegmentNotPresent,
    kStackSegment,
    kGeneralProtection,
    kX87 = 16,
    kAlignment,
    kMachineCheck,
    kSimd,
};

struct Answer {
    u32 vector;
    int signal;
    int code;
    bool with_address;  // the instruction's, in si_addr
};
constexpr Answer kAnswers[] = {
    {kDivide, kSigFpe, kFpeIntDiv, true},
    {kDebug, kSigTrap, kTrapTrace, true},
    {kBreakpoint, kSigTrap, kSiKernel, false},
    {kOverflow, kSigSegv, kSiKernel, false},
    {kBounds, kSigSegv, kSiKernel, false},
    {kInvalidOpcode, kSigIll, kIllIllOpn, true},
    {kCoprocessorOverrun, kSigFpe, kSiKernel, false},
    {kInvalidTss, kSigSegv, kSiKernel, false},
    {kSegmentNotPresent, kSigBus, kSiKernel, false},
    {kStackSegment, kSigBus, kSiKernel, false},
    {kGeneralProtection, kSigSegv, kSiKernel, false},
    {kX87, kSigFpe, 0, true},
    {kAlignment, kSigBus, kBusAdrAln, true},
    {kSimd, kSigFpe, 0, true},
};

// Which floating-point exception it was: flags that are set and not masked, in Linux's order of precedence
// (fpu__exception_code). Offsets are those of the FXSAVE area.
int float_code(u32 vector, const u8* fpu) {
    u32 raised;
    if (vector == kX87) {
        u16 control, status;
        __builtin_memcpy(&control, fpu, sizeof control);
        __builtin_memcpy(&status, fpu + 2, sizeof status);
        raised = status & ~control;
    } else {
        u32 mxcsr;
        __builtin_memcpy(&mxcsr, fpu + 24, sizeof mxcsr);
        raised = mxcsr & ~(mxcsr >> 7);
    }
    if (raised & 0x01) return kFpeFltInv;
    if (raised & 0x04) return kFpeFltDiv;
    if (raised & 0x08) return kFpeFltOvf;
    if (raised & 0x12) return kFpeFltUnd;
    if (raised & 0x20) return kFpeFltRes;
    return 0;
}

}  // namespace

void handle_user_exception(u32 vector, u64 error_code, arch::UserRegisters* regs) {
    Thread& thread = current();
    thread.trap_vector = vector;
    thread.trap_error = error_code;
    thread.trap_address = 0;
    for (const Answer& answer : kAnswers) {
        if (answer.vector != vector) continue;
        int code = answer.code;
        if (vector == kX87 || vector == kSimd) {
            arch::fpu_save(thread.fpu);
            code = float_code(vector, static_cast<const u8*>(thread.fpu));
            if (!code) return;  // raised by another instruction and gone by now
        }
        return force_signal(fault_signal(answer.signal, code, answer.with_address ? regs->rip : 0));
    }
    panic("exception %u in a program, which nothing should raise (error code %lx, rip %lx)", vector,
          static_cast<unsigned long>(error_code), static_cast<unsigned long>(regs->rip));
}

}  // namespace astra
