// The other CPUs: started one by one with INIT and start-up messages (Intel SDM vol. 3, 8.4.4.1), without
// ACPI. APIC ids are 0, 1, 2, …; how many there are comes from the command line or, under QEMU, from fw_cfg.
#include <atomic>
#include <cstring>

#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/arch/x86_64/apic.hpp"
#include "guest_kernel/arch/x86_64/boot.hpp"
#include "guest_kernel/arch/x86_64/clock.hpp"
#include "guest_kernel/arch/x86_64/interrupts.hpp"
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/arch/x86_64/percpu.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"
#include "guest_kernel/drivers/command_line.hpp"
#include "guest_kernel/mm/frames.hpp"

extern "C" {
extern const char trampoline_start[], trampoline_end[];
/// For the CPU being started: its page tables, stack and (flat build) block. Read by trampoline.S.
astra::u64 secondary_root, secondary_stack, secondary_cpu;
}

namespace astra::arch {

namespace {

constinit std::atomic<u32> online{1};
/// For the CPU being started: which one it is, and its other stacks.
constinit u32 starting_index = 0;
constinit void* starting_emergency_stacks[2] = {};

constexpr usize kEmergencyStackPages = 2;
constexpr u64 kInitWaitNs = 10'000'000, kAnswerNs = 200'000'000;

/// QEMU's fw_cfg (docs/specs/fw_cfg.rst): items selected by number, read byte by byte.
constexpr u16 kFwCfgSelect = 0x510, kFwCfgData = 0x511, kFwCfgSignature = 0, kFwCfgCpus = 5;

/// How many CPUs QEMU says the machine has; 1 without fw_cfg.
u32 cpus_from_fw_cfg() {
    privileged::out16(kFwCfgSelect, kFwCfgSignature);
    for (char c : {'Q', 'E', 'M', 'U'})
        if (privileged::in8(kFwCfgData) != static_cast<u8>(c)) return 1;
    privileged::out16(kFwCfgSelect, kFwCfgCpus);
    u32 low = privileged::in8(kFwCfgData);
    return privileged::in8(kFwCfgData) << 8 | low;
}

u32 cpus_present() {
    if (auto text = command_line_value("astra.cpus")) {
        if (auto count = take_number(*text)) return static_cast<u32>(*count < kMaxCpus ? *count : kMaxCpus);
    }
    return cpus_from_fw_cfg();
}

/// Top of a fresh guarded stack.
Result<u8*> make_stack(usize pages) {
    PhysAddr frames[kKernelStackSize / kPageSize];
    for (usize i = 0; i < pages; i++) frames[i] = TRY(mm::alloc_page_table_frame());
    void* base = TRY(map_kernel_stack({frames, pages}));
    return static_cast<u8*>(base) + pages * kPageSize;
}

/// Starts CPU `index`; false when it does not answer. ENOMEM when its stacks cannot be had.
Result<bool> start_cpu(u32 index) {
    starting_index = index;
    secondary_root = kernel_root().raw();
    secondary_stack = reinterpret_cast<u64>(TRY(make_stack(kKernelStackSize / kPageSize)));
    for (void*& top : starting_emergency_stacks) top = TRY(make_stack(kEmergencyStackPages)) - 16;
    PerCpu& cpu = per_cpu[index];
    cpu.apic_id = index;
    secondary_cpu = reinterpret_cast<u64>(&cpu);
    // Virtual CPUs need none of the waits the hardware manuals ask for; a second try makes them.
    for (u64 init_wait : {u64{0}, kInitWaitNs}) {
        lapic::send_init(index);
        busy_wait_ns(init_wait);
        lapic::send_startup(index, ASTRA_TRAMPOLINE_PHYS >> kPageShift);
        for (u64 end = now_ns() + kAnswerNs; !cpu.online.load() && now_ns() < end;) spin_pause();
        if (cpu.online.load()) break;
    }
    return cpu.online.load();
}

}  // namespace

extern "C" [[noreturn]] void secondary_main() {
    u32 index = starting_index;
    init_cpu(index, starting_emergency_stacks);
    lapic::init();
    init_cpu_timer();
    online.fetch_add(1);
    this_cpu().online.store(true);
    kernel_secondary_main(index);
}

u32 cpus_online() { return online.load(std::memory_order_relaxed); }

u32 start_secondary_cpus(u32 wanted) {
    u32 count = cpus_present();
    if (count > wanted) count = wanted;
    if (count > kMaxCpus) count = kMaxCpus;
    memcpy(phys_to_virt(PhysAddr(ASTRA_TRAMPOLINE_PHYS)), trampoline_start,
           trampoline_end - trampoline_start);
    for (u32 index = cpus_online(); index < count; index++) {
        Result<bool> started = start_cpu(index);
        if (!started || !*started) break;
    }
    return cpus_online();
}

void send_reschedule(u32 cpu) { lapic::send(per_cpu[cpu].apic_id, kVectorReschedule); }

}  // namespace astra::arch
