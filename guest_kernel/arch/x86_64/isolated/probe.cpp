// Is this the right build for this host? Under KVM without hardware help a program's SYSCALL stays at CPL3
// and the kernel, emulated, would be hundreds of times too slow: such hosts need the flat build.
#include "guest_kernel/arch/x86_64/boot.hpp"
#include "guest_kernel/arch/x86_64/entry.hpp"
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"

extern "C" {
astra::u32 run_syscall_probe(astra::u64 program);
void syscall_probe_landing();
extern const char syscall_probe_program[], syscall_probe_target[];
extern astra::arch::Pte boot_pml4[], boot_pdpt[], boot_pd[];
}

namespace astra::arch {

void check_build(PerCpu& cpu) {
    constexpr u32 kBreakpoint = 3;
    constexpr u64 kHeadroom = 4096;  // below this function's frames: nobody's
    u64 program = virt_to_phys(syscall_probe_program).raw(),
        target = virt_to_phys(syscall_probe_target).raw();
    // The boot tables are still loaded: opens the code's identity-mapped 2 MiB page to CPL3 for a moment.
    Pte* const path[] = {&boot_pml4[table_index(program, 3)], &boot_pdpt[table_index(program, 2)],
                         &boot_pd[table_index(program, 1)]};
    for (Pte* entry : path) *entry |= kPteUser;
    privileged::flush_all();
    set_gate(kBreakpoint, syscall_probe_landing);
    cpu.build.tables.tss.rsp[0] = (reinterpret_cast<u64>(__builtin_frame_address(0)) - kHeadroom) & ~u64{15};
    wrmsr(kMsrStar, u64{ASTRA_USER32_CS} << 48 | u64{ASTRA_KERNEL_CS} << 32);
    wrmsr(kMsrLstar, target);
    wrmsr(kMsrFmask, kFlagInterrupt);

    u32 level = run_syscall_probe(program) & 3;

    set_gate(kBreakpoint, nullptr);
    for (Pte* entry : path) *entry &= ~kPteUser;
    privileged::flush_all();
    if (level == 0) return;
    early_write(std::string_view("ASTRA: wrong build: this host needs the flat kernel\r\n"));
    exit_machine(abi::machine::ExitCode::WrongBuild);
}

}  // namespace astra::arch
