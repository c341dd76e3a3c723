// Vcpu: KVM_RUN and the register ioctls. Source: Linux Documentation/virt/kvm/api.rst.
#include "vmm/kvm/vcpu.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <atomic>

#include "vmm/kvm/shim.h"

namespace astra::vmm {

Result<Vcpu> Vcpu::create(const Kvm& kvm, const Vm& vm, u32 id) {
    Fd fd(::ioctl(vm.fd(), KVM_CREATE_VCPU, id));
    if (!fd.valid()) return fail_errno(fmt::format("KVM_CREATE_VCPU {}", id));
    void* area = ::mmap(nullptr, kvm.vcpu_area_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (area == MAP_FAILED) return fail_errno(fmt::format("cannot map vCPU {}", id));
    return Vcpu(std::move(fd), Mapping(area, kvm.vcpu_area_bytes()), id);
}

Result<void> Vcpu::set_cpuid(const CpuidTable& table) const {
    if (astra_kvm_set_cpuid(fd_.get(), table.data(), static_cast<__u32>(table.size())) < 0)
        return fail_errno(fmt::format("KVM_SET_CPUID2 on vCPU {}", id_));
    return {};
}

Result<void> Vcpu::set_xfeatures(u64 features) const {
    kvm_xcrs registers{};
    registers.nr_xcrs = 1;
    registers.xcrs[0].value = features;
    if (::ioctl(fd_.get(), KVM_SET_XCRS, &registers) < 0)
        return fail_errno(fmt::format("KVM_SET_XCRS on vCPU {}", id_));
    return {};
}

Result<CpuState> Vcpu::state() const {
    CpuState state;
    if (::ioctl(fd_.get(), KVM_GET_REGS, &state.general) < 0) return fail_errno("KVM_GET_REGS");
    if (::ioctl(fd_.get(), KVM_GET_SREGS, &state.special) < 0) return fail_errno("KVM_GET_SREGS");
    return state;
}

Result<void> Vcpu::set_state(const CpuState& state) const {
    if (::ioctl(fd_.get(), KVM_SET_SREGS, &state.special) < 0) return fail_errno("KVM_SET_SREGS");
    if (::ioctl(fd_.get(), KVM_SET_REGS, &state.general) < 0) return fail_errno("KVM_SET_REGS");
    return {};
}

u32 Vcpu::tsc_khz() const {
    int khz = ::ioctl(fd_.get(), KVM_GET_TSC_KHZ, 0);
    return khz > 0 ? static_cast<u32>(khz) : 0;
}

Result<Exit> Vcpu::run() {
    for (;;) {
        if (::ioctl(fd_.get(), KVM_RUN, 0) == 0) return decode_exit(area_.span());
        if (errno == EINTR) return Exit(InterruptedExit{});
        // A CPU that just took INIT or SIPI: its state changed, it has to be entered again.
        if (errno != EAGAIN) return fail_errno(fmt::format("KVM_RUN on vCPU {}", id_));
    }
}

void Vcpu::immediate_exit(u8 value) {
    auto& run = *reinterpret_cast<kvm_run*>(area_.data());
    std::atomic_ref<u8>(run.immediate_exit).store(value, std::memory_order_release);
}

std::string describe(const CpuState& state) {
    const kvm_regs& g = state.general;
    const kvm_sregs& s = state.special;
    return fmt::format(
        "rip={:016x} rsp={:016x} rflags={:08x} cs={:04x} ss={:04x} cpl={}\n"
        "rax={:016x} rbx={:016x} rcx={:016x} rdx={:016x}\n"
        "rsi={:016x} rdi={:016x} rbp={:016x} r8 ={:016x}\n"
        "r9 ={:016x} r10={:016x} r11={:016x} r12={:016x}\n"
        "r13={:016x} r14={:016x} r15={:016x}\n"
        "cr0={:016x} cr2={:016x} cr3={:016x} cr4={:016x} efer={:x}\n"
        "gdt={:x}+{:x} idt={:x}+{:x} tr={:04x}@{:x} fs={:x} gs={:x} apic={:x}",
        g.rip, g.rsp, g.rflags, s.cs.selector, s.ss.selector, s.ss.dpl, g.rax, g.rbx, g.rcx, g.rdx, g.rsi,
        g.rdi, g.rbp, g.r8, g.r9, g.r10, g.r11, g.r12, g.r13, g.r14, g.r15, s.cr0, s.cr2, s.cr3, s.cr4,
        s.efer, s.gdt.base, s.gdt.limit, s.idt.base, s.idt.limit, s.tr.selector, s.tr.base, s.fs.base,
        s.gs.base, s.apic_base);
}

}  // namespace astra::vmm
