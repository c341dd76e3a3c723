// A program that goes through every way into the kernel and back for ever, checking that nothing of it
// changes. The host forces interrupts and page faults at each instruction on the way
// (tests/integration/vmm/entry_window_test.cpp) and ends the machine.
#include "tests/guest/arch/selftest.hpp"

extern "C" {
extern const char program_start[], program_window[], program_window_interrupted[];
// flat/entry.S and gate.S; the isolated build has no such ranges.
extern const char flat_syscall_stubs[] __attribute__((weak)), flat_syscall_common[] __attribute__((weak)),
    flat_exit_start[] __attribute__((weak)), flat_entry_end[] __attribute__((weak)),
    flat_detour_refused[] __attribute__((weak)), gate_stray_fault[] __attribute__((weak));
}

namespace astra::selftest {

namespace {

constexpr UserAddr kFresh(0x1234'5000);
/// What the host reads: rounds the program made, ticks the kernel saw.
struct Progress {
    u64 rounds, ticks;
};
constinit volatile Progress progress;

u64 address(const char* label) { return reinterpret_cast<u64>(label); }

void forget(UserAddr page) {
    program_tables().unmap(page);
    arch::flush_tlb(1, page, page + kPageSize);
}

bool map_again(const FaultInfo& fault, arch::UserRegisters&) {
    static const PhysAddr frame = new_frame();
    require(UserAddr(fault.address).page() == kFresh, "only the fresh page faults");
    require(program_tables().map(kFresh, frame, kReadWrite).has_value(), "the page can be mapped");
    return true;
}

/// The program found nothing changed (else it runs into an exception that nobody expects): takes its page
/// away, faults on it in the kernel, and takes it away again.
u64 next_round(arch::UserRegisters& regs) {
    progress.rounds = progress.rounds + 1;
    forget(kFresh);
    u64 word;
    require(arch::copy_from_user(&word, kFresh, sizeof word) == 0, "the kernel reads the page");
    forget(kFresh);
    if (progress.rounds % 2) regs.rcx = 0;  // what the instruction cannot leave: back by IRET
    return regs.orig_rax + 0x100;
}

/// A program with a GS base of its own came by a detour: the call is made all the same, and gone back from.
void take_refused(u32 vector, u64, arch::UserRegisters& regs) {
    constexpr u32 kInvalidOpcode = 6;
    constexpr u64 kWayBackBytes = 7;  // program.S: a lea
    require(vector == kInvalidOpcode && regs.rip == address(flat_detour_refused), "only detours are refused");
    regs.rax += 0x100;
    regs.rip = regs.r11 + kWayBackBytes;
}

}  // namespace

void run_entry_window() {
    hooks = {};
    hooks.exception = take_refused;
    hooks.timer = [] { progress.ticks = progress.ticks + 1; };
    hooks.page_fault = map_again;
    hooks.syscall = next_round;
    say("entry window: %lx %lx %lx %lx %lx %lx %lx %lx %lx\n", address(flat_syscall_stubs),
        address(flat_syscall_common), address(flat_exit_start), address(flat_entry_end),
        address(gate_stray_fault), reinterpret_cast<u64>(&map_again),
        (kCode + (program_window_interrupted - program_start)).raw(), arch::virt_to_phys(program_start).raw(),
        arch::virt_to_phys(const_cast<const Progress*>(&progress)).raw());
    for (;;) {
        require(run_program(program_window, kFresh.raw()) == 0, "the program ends as it should");
        arch::set_user_gs_base(0);
    }
}

}  // namespace astra::selftest
