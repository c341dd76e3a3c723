// Checks with programs at CPL3: system calls, faults, exceptions, registers that must survive.
#include "tests/guest/arch/selftest.hpp"

extern "C" {
extern const char program_start[], program_end[], program_syscalls[], program_increment[],
    program_exceptions[], program_step_syscall[], program_vectors[], program_segments[], program_jump[],
    program_poll[];
}

namespace astra::selftest {

namespace {

using arch::PageFlags;
using arch::UserRegisters;
constexpr UserAddr kPage(0x1234'5000);

void system_calls_keep_registers() {
    hooks.syscall = [](UserRegisters& regs) {
        bool right = regs.rdi == 0x1d1 && regs.rsi == 0x1d2 && regs.rdx == 0x1d3 && regs.r10 == 0x1d4 &&
                     regs.r8 == 0x1d5 && regs.r9 == 0x1d6 && regs.orig_rax == 7;
        require(right, "arguments arrive");
        return regs.rdi + regs.orig_rax;
    };
    require(run_program(program_syscalls, 1000) == 0, "registers survive system calls");
    // What SYSRET cannot restore goes back by IRET: rcx and r11 are then the program's own.
    hooks.prepare_return = [](UserRegisters& regs) { regs.rcx = 0xc0; };
    require(run_program(program_syscalls, 1000) == 0, "registers survive returns by IRET");
}

void page_faults_are_resolved() {
    static u64 faults;
    faults = 0;
    hooks.page_fault = [](const FaultInfo& fault, UserRegisters& regs) {
        require(fault.from_user && !fault.execute && fault.address == kPage.raw() + 8,
                "the fault is described");
        require(&regs == &arch::user_registers(), "faults get the thread's registers");
        bool second = faults++ > 0;
        require(fault.write == second && fault.present == second, "first the read, then the write faults");
        PhysAddr frame = second ? program_tables().lookup(kPage).frame : new_frame();
        auto flags = second ? kReadWrite : kReadOnly;
        require(program_tables().map(kPage, frame, flags).has_value(), "the page can be mapped");
        arch::flush_tlb(1, kPage, kPage + kPageSize);
        return true;
    };
    require(run_program(program_increment, kPage.raw() + 8) == 0, "the program reads a fresh page");
    require(faults == 2, "both faults were seen");
    require(run_program(program_increment, kPage.raw() + 8) == 1, "what it wrote is there");
    require(has(program_tables().lookup(kPage).flags, PageFlags::Dirty), "the page is dirty");
    program_tables().unmap(kPage);
    arch::flush_tlb(1, kPage, kPage + kPageSize);
}

struct Expected {
    u32 vector, skip;
};
constexpr Expected kExceptions[] = {{0, 2}, {3, 0}, {6, 2}, {13, 1}, {13, 2}, {13, 2}, {1, 0}};

void exceptions_arrive_in_order() {
    static usize next;
    next = 0;
    hooks.exception = [](u32 vector, u64 error_code, UserRegisters& regs) {
        require(next < std::size(kExceptions), "no more exceptions than expected");
        // Where the flat build runs, INT n raises #UD whatever the descriptor says.
        bool software_int = next == 4 && arch::build() == abi::control::Build::Flat && vector == 6;
        require(vector == kExceptions[next].vector || software_int, "the vector is the expected one");
        require(regs.orig_rax == ~u64{0}, "exceptions are no system calls");
        if (vector == 13 && next == 4) require(error_code & 2, "the error code says it was a gate");
        regs.rip += kExceptions[next++].skip;
        regs.rdi++;
        regs.rflags &= ~u64{0x100};
    };
    require(run_program(program_exceptions, 0) == std::size(kExceptions), "every exception came once");
}

void single_stepping_spares_the_kernel() {
    static u32 steps;
    steps = 0;
    hooks.syscall = [](UserRegisters& regs) {
        require(regs.rflags & 0x100, "the program's TF is saved");
        return u64{0};
    };
    hooks.exception = [](u32 vector, u64, UserRegisters&) {
        require(vector == 1, "only debug exceptions come");
        steps++;
    };
    run_program(program_step_syscall, 0);
    require(steps >= 4, "every instruction of the program steps");
}

void fpu_state_is_switched() {
    alignas(64) static u8 state[8192], other[8192];
    require(arch::fpu_state_size() <= sizeof state, "the state fits");
    arch::fpu_init(other);
    arch::fpu_restore(other);
    hooks.syscall = [](UserRegisters&) {
        arch::fpu_save(state);
        for (usize i = 160; i < 416; i++) other[i] = 0xee;  // all XMM registers
        if (arch::xfeature_mask()) other[512] = 0b11;
        arch::fpu_restore(other);
        arch::fpu_init(other);
        arch::fpu_restore(state);
        return u64{0};
    };
    require(run_program(program_vectors, 0x1122'3344'5566'7788) == 1, "vector and x87 registers survive");
    hooks.syscall = [](UserRegisters&) {
        arch::fpu_save(state);
        u64 low;
        __builtin_memcpy(&low, state + 160, sizeof low);
        require(low == 0x77, "xmm0 lies where FXSAVE puts it");
        low = 0x78;
        __builtin_memcpy(state + 160, &low, sizeof low);
        for (usize i = 24; i < 28; i++) state[i] = 0xff;  // MXCSR with reserved bits
        if (arch::xfeature_mask()) {
            for (usize i = 512; i < 576; i++) state[i] = 0xff;  // a header full of rubbish
            state[512] = 0b11;
        }
        arch::fpu_sanitise(state);
        arch::fpu_restore(state);
        return u64{0};
    };
    require(run_program(program_vectors, 0x77) == 0, "a changed state is loaded, rubbish in it is not");
    arch::fpu_init(state);
    arch::fpu_restore(state);
}

void segment_bases_are_the_programs() {
    require(program_tables().map(kPage, new_frame(), kReadWrite).has_value(), "a page can be mapped");
    u64 words[4] = {1, 50, 2, 8};
    require(arch::copy_to_user(kPage, words, sizeof words) == 0, "and filled");
    hooks.syscall = [](UserRegisters&) {
        arch::set_fs_base(kPage.raw());
        arch::set_user_gs_base(kPage.raw() + 16);
        require(arch::get_fs_base() == kPage.raw() && arch::get_user_gs_base() == kPage.raw() + 16,
                "bases read back");
        require(arch::cpu_index() == 0, "the kernel's GS is its own");
        return u64{0};
    };
    require(run_program(program_segments, 0) == 42, "the program sees its bases");
    arch::set_fs_base(0);
    arch::set_user_gs_base(0);
    program_tables().unmap(kPage);
    arch::flush_tlb(1, kPage, kPage + kPageSize);
}

void wild_jumps_fault_in_the_program() {
    static u64 seen;
    hooks.page_fault = [](const FaultInfo& fault, UserRegisters& regs) {
        require(fault.from_user && fault.execute, "it is an instruction fetch");
        seen = fault.address;
        regs.rip = kCode.raw();
        regs.rdi = 5;
        return true;
    };
    hooks.exception = [](u32 vector, u64, UserRegisters& regs) {
        require(vector == 13, "a non-canonical jump is a protection fault");
        seen = 13;
        regs.rip = kCode.raw();
        regs.rdi = 6;
    };
    require(run_program(program_jump, 0x5555'0000) == 5 && seen == 0x5555'0000, "an unmapped page faults");
    require(run_program(program_jump, 0x80'0000 - 8) == 5, "a page without Execute faults");
    require(run_program(program_jump, 0xffff'8880'0000'0000) == 5, "kernel memory faults");
    require(run_program(program_jump, 0x8000'0000'0000'0000) == 6 && seen == 13,
            "a non-canonical address faults");
    // The kernel core may be talked into such registers by a forged signal frame.
    hooks.syscall = [](UserRegisters& regs) {
        regs.rip = regs.rcx = 0x8000'0000'0000'0000;
        regs.rflags = ~u64{0} & ~u64{0x100};
        regs.cs = regs.ss = 0;
        return u64{0};
    };
    require(run_program(program_poll, 0) == 5 && seen == arch::kUserEnd,
            "forged registers fault in the program");
}

constexpr Check kChecks[] = {
    {"system calls", system_calls_keep_registers},   {"page faults", page_faults_are_resolved},
    {"exceptions", exceptions_arrive_in_order},      {"single-stepping", single_stepping_spares_the_kernel},
    {"floating-point state", fpu_state_is_switched}, {"segment bases", segment_bases_are_the_programs},
    {"wild jumps", wild_jumps_fault_in_the_program},
};

}  // namespace

arch::PageTable& program_tables() {
    static arch::PageTable table = [] {
        auto made = arch::PageTable::create();
        require(made.has_value() && program_end - program_start == kPageSize, "an address space can be made");
        auto code = made->map(kCode, arch::virt_to_phys(program_start), kReadExecute);
        auto stack = made->map(kStackTop - kPageSize, new_frame(), kReadWrite);
        require(code.has_value() && stack.has_value(), "code and stack can be mapped");
        return std::move(*made);
    }();
    return table;
}

std::span<const Check> program_checks() { return kChecks; }

}  // namespace astra::selftest
