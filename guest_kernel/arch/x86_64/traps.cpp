// Exceptions and interrupts, sorted: to the kernel core, to a user copy's fixup, or to the end.
#include "guest_kernel/arch/x86_64/entry.hpp"
#include "guest_kernel/arch/x86_64/interrupts.hpp"
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/privileged.hpp"

extern "C" {
/// Where a fault in kernel code is expected and where it continues then (FIXUP in user_copy.S).
struct Fixup {
    astra::i32 instruction, target;
};
extern const Fixup fixup_table_start[], fixup_table_end[];
}

namespace astra::arch {

namespace {

constexpr u64 kNmi = 2, kPageFault = 14, kFirstInterrupt = 32;
/// Bits of a page fault's error code (Intel SDM vol. 3, 4.7).
constexpr u64 kFaultPresent = 1, kFaultWrite = 2, kFaultReserved = 8, kFaultFetch = 16;

/// Where to continue after a fault at `rip`, 0 when none is expected there.
u64 find_fixup(u64 rip) {
    for (const Fixup* f = fixup_table_start; f < fixup_table_end; f++)
        if (reinterpret_cast<u64>(&f->instruction) + f->instruction == rip)
            return reinterpret_cast<u64>(&f->target) + f->target;
    return 0;
}

[[noreturn]] void die(u64 vector, u64 error_code, u64 cr2, const UserRegisters& regs) {
    panic_trap({vector, error_code, regs.rip, regs.rsp, regs.rflags, cr2, &regs.r15});
}

FaultInfo fault_info(u64 address, u64 error_code, bool from_user) {
    return {address, (error_code & kFaultWrite) != 0, (error_code & kFaultFetch) != 0,
            (error_code & kFaultPresent) != 0, from_user};
}

/// A page fault of a user copy: true when the access can be repeated.
bool resolve_copy_fault(u64 address, u64 error_code, const UserRegisters& regs) {
    bool enabled = regs.rflags & kFlagInterrupt;
    if (enabled) interrupts_enable();
    bool resolved = handle_page_fault(fault_info(address, error_code, false), &user_registers());
    if (enabled) interrupts_disable();
    return resolved;
}

}  // namespace

UserRegisters& user_registers() { return reinterpret_cast<UserRegisters*>(this_cpu().kernel_stack)[-1]; }

void astra_trap_from_user(u64 vector, u64 error_code, UserRegisters* regs) {
    if (vector >= kFirstInterrupt) {
        dispatch_interrupt(vector);
    } else if (vector == kPageFault) {
        u64 address = privileged::fault_address();
        if (error_code & kFaultReserved) die(vector, error_code, address, *regs);
        interrupts_enable();
        handle_page_fault(fault_info(address, error_code, true), regs);
    } else {
        interrupts_enable();
        handle_user_exception(vector, error_code, regs);
    }
    interrupts_enable();
    prepare_return_to_user(regs);
    interrupts_disable();
    astra_finish_return(regs);
}

void astra_trap_from_kernel(u64 vector, u64 error_code, UserRegisters* regs) {
    if (vector >= kFirstInterrupt) {
        dispatch_interrupt(vector);
        this_cpu().recheck = 1;
        return;
    }
    u64 address = vector == kPageFault ? privileged::fault_address() : 0;
    u64 target = find_fixup(regs->rip);
    if (target == 0 || (vector == kPageFault && (address >= kUserEnd || error_code & kFaultReserved)))
        die(vector, error_code, address, *regs);
    if (vector == kPageFault && resolve_copy_fault(address, error_code, *regs)) return;
    regs->rip = target;
}

void astra_emergency_trap(u64 vector, u64 error_code, UserRegisters* regs) {
    if (vector != kNmi) die(vector, error_code, privileged::fault_address(), *regs);
    if (is_stopping()) privileged::halt_forever();
}

void astra_finish_return(UserRegisters* regs) {
    while (this_cpu().recheck) {
        this_cpu().recheck = 0;
        interrupts_enable();
        prepare_return_to_user(regs);
        interrupts_disable();
    }
    if (regs->cs != ASTRA_USER32_CS) regs->cs = ASTRA_USER_CS;
    regs->ss = ASTRA_USER_DS;
    regs->rflags = (regs->rflags & kUserFlags) | kFlagInterrupt | kFlagFixed;
    // IRET to a non-canonical address faults at CPL0. kUserEnd is never mapped: the program faults there
    // instead.
    if (regs->rip >= u64{1} << 47) regs->rip = kUserEnd;
}

}  // namespace astra::arch
