// The arch contract's upcalls, handed to the running check, and frames without an allocator.
#include <atomic>

#include "guest_kernel/drivers/counters.hpp"
#include "guest_kernel/mm/frames.hpp"
#include "tests/guest/arch/selftest.hpp"

extern "C" const char program_start[];

namespace astra {

namespace selftest {

Hooks hooks;

namespace {

u64 main_sp, program_sp, program_result;
PhysAddr first_free, next_frame;
std::atomic<bool> frames_busy;

/// Leaves the program for good and continues in run_program.
void leave_program(u64 result) {
    program_result = result;
    arch::astra_switch_stack(&program_sp, main_sp);
}

}  // namespace

PhysAddr new_frame() {
    while (frames_busy.exchange(true)) arch::spin_pause();
    if (next_frame.is_null()) next_frame = boot_info().ram.back().base + boot_info().ram.back().size;
    PhysAddr frame = first_free;
    if (frame.is_null()) {
        next_frame = frame = next_frame - kPageSize;
    } else {
        first_free = *static_cast<PhysAddr*>(arch::phys_to_virt(frame));
    }
    frames_busy = false;
    __builtin_memset(arch::phys_to_virt(frame), 0, kPageSize);
    return frame;
}

u8* new_stack() {
    PhysAddr frames[arch::kKernelStackSize / kPageSize];
    for (PhysAddr& frame : frames) frame = new_frame();
    Result<void*> base = arch::map_kernel_stack(frames);
    require(base.has_value(), "a kernel stack can be mapped");
    return static_cast<u8*>(*base) + arch::kKernelStackSize - arch::kKernelStackReserve;
}

u64 run_program(const char* entry, u64 argument) {
    static u8* const stack = new_stack();
    program_tables().activate();
    arch::set_kernel_stack(stack);
    arch::UserRegisters& regs = arch::user_registers();
    require(reinterpret_cast<u8*>(&regs + 1) == stack, "user registers lie at the top of the stack");
    arch::init_user_registers(regs, kCode + (entry - program_start), kStackTop);
    regs.rdi = argument;
    void* below = reinterpret_cast<void*>(align_down(reinterpret_cast<u64>(&regs), 16));
    u64 sp = arch::prepare_stack(
        below,
        [](void*) {
            arch::interrupts_disable();
            arch::return_to_user();
        },
        nullptr);
    arch::astra_switch_stack(&main_sp, sp);
    arch::interrupts_disable();  // the program left from a system call
    return program_result;
}

void astra_take_syscall(arch::UserRegisters& regs) {
    if (regs.orig_rax == kExitCall) leave_program(regs.rdi);
    require(hooks.syscall != nullptr, "no system call was expected");
    regs.rax = hooks.syscall(regs);
    if (hooks.prepare_return) hooks.prepare_return(regs);
}

}  // namespace selftest

using selftest::hooks;
using selftest::require;

extern "C" void astra_handle_syscall(arch::UserRegisters* regs) {
    require(arch::interrupts_enabled(), "system calls start with interrupts on");
    require(regs == &arch::user_registers(), "system calls get the thread's registers");
    selftest::astra_take_syscall(*regs);
}

bool handle_page_fault(const FaultInfo& fault, arch::UserRegisters* regs) {
    require(hooks.page_fault != nullptr, "no page fault was expected");
    return hooks.page_fault(fault, *regs);
}

bool rewrite_program_code(UserAddr, std::span<const u8>, std::span<const u8>) { return false; }

void handle_user_exception(u32 vector, u64 error_code, arch::UserRegisters* regs) {
    require(arch::interrupts_enabled(), "exceptions are handled with interrupts on");
    require(hooks.exception != nullptr, "no exception was expected");
    hooks.exception(vector, error_code, *regs);
}

void handle_timer_interrupt() {
    require(!arch::interrupts_enabled(), "timer interrupts are handled with interrupts off");
    if (hooks.timer) hooks.timer();
}

void prepare_return_to_user(arch::UserRegisters* regs) {
    require(arch::interrupts_enabled(), "programs are left to with interrupts on");
    if (hooks.prepare_return) hooks.prepare_return(*regs);
}

void panic_trap(const KernelTrap& trap) {
    selftest::say("trap: vector %lu error %lx rip %lx rsp %lx cr2 %lx\n", trap.vector, trap.error_code,
                  trap.rip, trap.rsp, trap.cr2);
    if (hooks.trap) hooks.trap(trap);
    panic("an exception in the kernel");
}

void kernel_secondary_main(u32 cpu) {
    require(hooks.secondary != nullptr, "no CPU was expected");
    hooks.secondary(cpu);
    for (;;) arch::idle_wait();
}

namespace counters {

abi::counters::CpuCounters& local() {
    static abi::counters::CpuCounters cells[arch::kMaxCpus];
    return cells[arch::cpu_index()];
}

}  // namespace counters

namespace mm {

Result<PhysAddr> alloc_page_table_frame() { return selftest::new_frame(); }

void free_page_table_frame(PhysAddr frame) {
    while (selftest::frames_busy.exchange(true)) arch::spin_pause();
    *static_cast<PhysAddr*>(arch::phys_to_virt(frame)) = selftest::first_free;
    selftest::first_free = frame;
    selftest::frames_busy = false;
}

}  // namespace mm

}  // namespace astra
