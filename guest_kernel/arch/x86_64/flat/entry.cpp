// The flat build's way in and out of the kernel, from entry.S on, and its idea of "interrupts off": a flag
// that the gate respects. IF itself is turned off by the gate whenever an interrupt comes, and back on at the
// next way out to a program or halt; in between no interrupt can come, which only delays it.
#include "guest_kernel/arch/x86_64/entry.hpp"

#include <string_view>

#include "guest_kernel/arch/x86_64/flat/bridges.hpp"
#include "guest_kernel/arch/x86_64/flat/detours.hpp"
#include "guest_kernel/arch/x86_64/interrupts.hpp"
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/privileged.hpp"
#include "guest_kernel/drivers/counters.hpp"

extern "C" {
extern char flat_syscall_stubs[];
astra::u64 flat_syscall_level();
void flat_syscall_probe();
[[noreturn]] void flat_return_to_user();
}

namespace astra::arch {

namespace {

// FMASK is honoured at CPL3, but only the gate could set IF again: the entry stubs run with it on.
constexpr u64 kClearedAtEntry = kFlagTrap | kFlagDirection | kFlagAlign | kFlagNested | kFlagResume;
constexpr u64 kDebug = 1, kNmi = 2, kBreakpoint = 3, kInvalidOpcode = 6, kDoubleFault = 8, kMachineCheck = 18;
constexpr u64 kSyscallStubBytes = 128;  // entry.S: FLAT_SYSCALL_STUB_SIZE

/// As entry.S decides it.
bool from_kernel(const UserRegisters& regs) { return static_cast<i64>(regs.rip & regs.rsp) < 0; }

/// The way out by a jump leaves what the instruction leaves in rcx and r11, and cannot set TF.
bool can_jump_back(const UserRegisters& regs) {
    return regs.rip == regs.rcx && regs.rflags == regs.r11 && !(regs.rflags & kFlagTrap) &&
           regs.cs == ASTRA_USER_CS;
}

bool handle_syscall(UserRegisters& regs) {
    astra_handle_syscall(&regs);
    this_cpu().build.masked = 1;
    astra_finish_return(&regs);
    return can_jump_back(regs);
}

/// Handles the interrupt that was noted while the kernel did not want it. Masked.
void take_pending() {
    PerCpuBuild& gate = this_cpu().build;
    u32 vector = gate.pending;
    gate.pending = 0;
    if (!vector) return;
    dispatch_interrupt(vector);
    this_cpu().recheck = 1;
}

/// Masked: whether the exception is one of the kernel's own making, and over.
bool undo_exception(u64 vector, UserRegisters& regs) {
    if (vector != kDebug && vector != kBreakpoint && vector != kInvalidOpcode) return false;
    interrupts_enable();
    bool undone = undo_detour_exception(vector, regs);
    interrupts_disable();
    return undone;
}

}  // namespace

abi::control::Build build() { return abi::control::Build::Flat; }

extern "C" {

// From entry.S. True when `regs` can be gone back to by a jump.
bool flat_syscall(UserRegisters* regs) {
    trapped_call(*regs);
    return handle_syscall(*regs);
}

// The same for one that came by a jump: regs->rip is where to come back to.
bool flat_direct_syscall(UserRegisters* regs) {
    counters::add(counters::local().direct_calls);
    u64 way_back = regs->rip;
    if (way_back < kUserEnd) return handle_syscall(*regs);
    u64 behind = enter_from_detour(*regs);
    bool jump = handle_syscall(*regs);
    if (jump && regs->rip == behind) regs->rcx = way_back;
    return jump;
}

void flat_exception(UserRegisters* regs, u64 vector, u64 error_code, u64 cr2) {
    PerCpuBuild& gate = this_cpu().build;
    bool masked = gate.masked;
    gate.masked = 1;
    gate.stray_faults = 0;
    gate.fault_address = cr2;
    if (vector == kNmi || vector == kDoubleFault || vector == kMachineCheck)
        return astra_emergency_trap(vector, error_code, regs);
    if (!from_kernel(*regs)) {
        if (undo_exception(vector, *regs)) return astra_finish_return(regs);
        leave_bridge(*regs);
        return astra_trap_from_user(vector, error_code, regs);
    }
    // The frame's IF is the CPU's; the kernel's own is the mask.
    regs->rflags = masked ? regs->rflags & ~kFlagInterrupt : regs->rflags | kFlagInterrupt;
    astra_trap_from_kernel(vector, error_code, regs);
    interrupts_restore(!masked);
}

void flat_interrupt(UserRegisters* regs, u64 vector) {
    if (from_kernel(*regs)) return astra_trap_from_kernel(vector, 0, regs);
    leave_bridge(*regs);
    astra_trap_from_user(vector, 0, regs);
}

void flat_pending_on_exit(UserRegisters* regs) {
    PerCpuBuild& gate = this_cpu().build;
    gate.masked = 1;
    take_pending();
    astra_finish_return(regs);
}

}  // extern "C"

u64 privileged::fault_address() { return this_cpu().build.fault_address; }

bool privileged::interrupts_enabled() { return !this_cpu().build.masked; }

bool privileged::interrupts_disable() {
    PerCpuBuild& gate = this_cpu().build;
    bool enabled = !gate.masked;
    gate.masked = 1;
    asm volatile("" ::: "memory");
    return enabled;
}

void privileged::interrupts_enable() {
    asm volatile("" ::: "memory");
    for (;;) {
        PerCpuBuild& gate = this_cpu().build;
        gate.masked = 0;
        if (!gate.pending) return;
        gate.masked = 1;
        take_pending();
    }
}

void privileged::let_interrupts_in() {
    PerCpuBuild& gate = this_cpu().build;
    if (!gate.if_off) return;
    gate.if_off = 0;
    gate_call(GATE_OP_ENABLE);
}

void privileged::halt_enabled() {
    PerCpuBuild& gate = this_cpu().build;
    // One that is noted already is why not to sleep; a new one ends the halt and is noted (the mask is set).
    if (!gate.pending) {
        gate.if_off = 1;
        gate_call(GATE_OP_HALT);
    }
    take_pending();
}

namespace {

/// On hosts with real hardware KVM a `syscall` raises the privilege level, which the entry stubs do not
/// expect.
void check_build() {
    privileged::write_msr(kMsrStar, u64{ASTRA_USER32_CS} << 48 | u64{ASTRA_KERNEL_CS} << 32);
    privileged::write_msr(kMsrLstar, reinterpret_cast<u64>(flat_syscall_probe));
    privileged::write_msr(kMsrFmask, kFlagInterrupt);
    if ((flat_syscall_level() & 3) == 3) return;
    early_write(std::string_view("ASTRA: wrong build: this host needs the isolated kernel\r\n"));
    exit_machine(abi::machine::ExitCode::WrongBuild);
}

}  // namespace

// Descriptor tables and control registers are as linked (blocks.S).
void init_privileged_state(PerCpu& cpu, void* const (&)[2]) {
    set_kernel_gs(cpu);
    if (cpu.index == 0) check_build();
}

void set_kernel_gs(PerCpu& cpu) { wrgsbase(reinterpret_cast<u64>(&cpu)); }

void init_entry() {
    u64 stub = reinterpret_cast<u64>(flat_syscall_stubs) + this_cpu().index * kSyscallStubBytes;
    privileged::write_msr(kMsrStar, u64{ASTRA_USER32_CS} << 48 | u64{ASTRA_KERNEL_CS} << 32);
    privileged::write_msr(kMsrLstar, stub);
    privileged::write_msr(kMsrFmask, kClearedAtEntry);
}

void set_kernel_stack(void* stack_top) {
    // The word above holds the program's GS base while the kernel runs (entry.S).
    this_cpu().kernel_stack = reinterpret_cast<u64>(stack_top);
}

void return_to_user() {
    astra_finish_return(&user_registers());
    flat_return_to_user();
}

u64 get_fs_base() { return rdfsbase(); }
void set_fs_base(u64 base) { wrfsbase(base); }
u64 get_user_gs_base() { return *reinterpret_cast<u64*>(this_cpu().kernel_stack); }
void set_user_gs_base(u64 base) { *reinterpret_cast<u64*>(this_cpu().kernel_stack) = base; }

}  // namespace astra::arch
