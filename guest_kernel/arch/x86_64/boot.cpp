// From long mode to kernel_main: reads what the loader said and sets this CPU and the machine up, step by
// step.
#include "guest_kernel/arch/x86_64/boot.hpp"

#include <iterator>

#include "guest_kernel/arch/x86_64/apic.hpp"
#include "guest_kernel/arch/x86_64/clock.hpp"
#include "guest_kernel/arch/x86_64/cpu_features.hpp"
#include "guest_kernel/arch/x86_64/interrupts.hpp"
#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/arch/x86_64/percpu.hpp"
#include "guest_kernel/arch/x86_64/pvh.hpp"
#include "guest_kernel/drivers/command_line.hpp"

extern "C" {
using Constructor = void (*)();
extern const Constructor init_array_start[], init_array_end[];
}

namespace astra::arch {

namespace {

constexpr u64 kLowMemory = 0x10'0000;  // below 1 MiB: firmware leftovers and the trampoline
RangeSet free_ram;
alignas(16) u8 emergency_stacks[2][8192];  // the first CPU's; the others get theirs from mm

/// Bytes from the kernel's first to its last, without the gap between code and data.
void reserve(const char* start, const char* end) {
    if (!free_ram.remove(virt_to_phys(start), end - start)) boot_failure("memory map has too many ranges");
}

void call_constructors() {
    for (const Constructor* c = init_array_start; c < init_array_end; c++) (*c)();
}

}  // namespace

void boot_failure(std::string_view why) {
    for (std::string_view text : {std::string_view("ASTRA cannot start: "), why, std::string_view("\r\n")}) {
        early_write(text);
    }
    exit_machine(abi::machine::ExitCode::Panic);
}

extern "C" [[noreturn]] void boot_main(u32 start_info) {
    call_constructors();
    detect_cpu_features();
    void* emergency_tops[2];
    for (int i = 0; i < 2; i++) emergency_tops[i] = std::end(emergency_stacks[i]) - 16;
    init_cpu(0, emergency_tops);
    const BootData& boot = read_start_info(PhysAddr(start_info));
    free_ram = boot.ram;
    if (!free_ram.remove(PhysAddr(), kLowMemory) || !free_ram.remove(boot.module.base, boot.module.size))
        boot_failure("memory map has too many ranges");
    reserve(kernel_text_start, kernel_text_end);
    reserve(kernel_data_start, kernel_data_end);
    build_kernel_tables(boot, free_ram);
    init_interrupts();
    per_cpu[0].apic_id = lapic::id();
    per_cpu[0].online = true;
    init_clock();
    init_timer();
    kernel_main({free_ram.ranges(), command_line(), boot.module});
}

}  // namespace astra::arch
