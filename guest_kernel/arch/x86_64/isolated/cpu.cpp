// The isolated build's part of setting up a CPU: descriptor tables, control registers, SMAP.
#include "guest_kernel/arch/x86_64/cpu_features.hpp"
#include "guest_kernel/arch/x86_64/entry.hpp"
#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/arch/x86_64/percpu.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"

namespace astra::arch {

constinit PerCpu per_cpu[kMaxCpus];

namespace {

/// A place in the code to turn into STAC or CLAC (SMAP_SITE).
struct SmapSite {
    i32 instruction;
    u32 opcode;
};
extern "C" const SmapSite smap_sites_start[], smap_sites_end[];

void set_control_registers() {
    const CpuFeatures& cpu = cpu_features();
    u64 cr4 = read_cr4() | kCr4Pge | kCr4OsFxsr | kCr4OsXmmExcept;
    if (cpu.xsave) cr4 |= kCr4OsXsave;
    if (cpu.fsgsbase) cr4 |= kCr4FsGsBase;
    if (cpu.umip) cr4 |= kCr4Umip;
    if (cpu.smep) cr4 |= kCr4Smep;
    if (cpu.smap) cr4 |= kCr4Smap;
    write_cr4(cr4);
}

}  // namespace

namespace {

void patch_smap_sites() {
    if (!cpu_features().smap) return;
    for (const SmapSite* site = smap_sites_start; site < smap_sites_end; site++) {
        // The code is mapped read-only; the direct map's view of it is not.
        const char* code = reinterpret_cast<const char*>(&site->instruction) + site->instruction;
        auto* bytes = static_cast<u8*>(phys_to_virt(virt_to_phys(code)));
        bytes[0] = 0x0f;
        bytes[1] = 0x01;
        bytes[2] = static_cast<u8>(site->opcode);
    }
}

}  // namespace

void init_privileged_state(PerCpu& cpu, void* const (&emergency_stacks)[2]) {
    for (void* top : emergency_stacks) *static_cast<PerCpu**>(top) = &cpu;
    load_descriptor_tables(cpu.build.tables, emergency_stacks);
    set_kernel_gs(cpu);
    if (cpu.index == 0) {
        check_build(cpu);
        patch_smap_sites();
    }
    set_control_registers();
}

}  // namespace astra::arch
