// Fresh kernel stacks and fresh program registers. Compiled for the host's unit tests as well.
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/registers.hpp"

extern "C" void astra_stack_start();
#ifdef __SANITIZE_ADDRESS__
extern "C" void __asan_unpoison_memory_region(const volatile void* start, unsigned long size);
#endif

namespace astra::arch {

u64 prepare_stack(void* stack_top, void (*entry)(void*), void* argument) {
#ifdef __SANITIZE_ADDRESS__
    // Whoever used the stack before ended in the middle of a call: its frames are still marked.
    __asan_unpoison_memory_region(static_cast<u8*>(stack_top) - kKernelStackSize + kKernelStackReserve,
                                  kKernelStackSize - kKernelStackReserve);
#endif
    auto* sp = static_cast<u64*>(stack_top);
    sp -= 2;  // keeps the stack 16-byte aligned where astra_stack_start calls
    sp[0] = sp[1] = 0;
    *--sp = reinterpret_cast<u64>(astra_stack_start);
    *--sp = 0;                                // rbp: backtraces end here
    *--sp = 0;                                // rbx
    *--sp = reinterpret_cast<u64>(argument);  // r12
    *--sp = reinterpret_cast<u64>(entry);     // r13
    *--sp = 0;                                // r14
    *--sp = 0;                                // r15
    return reinterpret_cast<u64>(sp);
}

void init_user_registers(UserRegisters& regs, UserAddr entry, UserAddr stack) {
    regs = {};
    regs.orig_rax = ~u64{0};
    regs.rip = entry.raw();
    regs.cs = ASTRA_USER_CS;
    regs.rflags = kFlagInterrupt | kFlagFixed;
    regs.rsp = stack.raw();
    regs.ss = ASTRA_USER_DS;
}

}  // namespace astra::arch
