// A virtual CPU: its registers, and running it.
#pragma once
#include <string>

#include "vmm/kvm/exit.hpp"
#include "vmm/kvm/vm.hpp"

namespace astra::vmm {

/// The registers that a person needs to see why a CPU stopped.
struct CpuState {
    kvm_regs general;
    kvm_sregs special;
};

/// Owned by one thread, which alone calls run() and the register accessors; kick() may come from any.
class Vcpu {
  public:
    /// Creates vCPU `id` (its APIC id as well). With interrupt controllers in the kernel vCPU 0 is runnable
    /// and the others wait for INIT/SIPI.
    [[nodiscard]] static Result<Vcpu> create(const Kvm& kvm, const Vm& vm, u32 id);

    [[nodiscard]] u32 id() const { return id_; }
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] Result<void> set_cpuid(const CpuidTable& table) const;
    /// Starts the CPU with XCR0 = `features` (a mask its CPUID table allows) instead of the reset value. A
    /// KVM that itself runs under an emulator may never see the guest's XSETBV and load what it knows at the
    /// next exit: what it knows then is what a kernel that enables everything sets anyway.
    [[nodiscard]] Result<void> set_xfeatures(u64 features) const;
    [[nodiscard]] Result<CpuState> state() const;
    [[nodiscard]] Result<void> set_state(const CpuState& state) const;
    /// What the guest's TSC runs at, in kHz; 0 when KVM does not say.
    [[nodiscard]] u32 tsc_khz() const;

    /// Runs the guest until it needs the VMM. An error only when KVM_RUN itself is refused. The exit's spans
    /// stay valid until the next run().
    [[nodiscard]] Result<Exit> run();
    /// Makes the current or next run() return InterruptedExit, until unkick().
    void kick() { immediate_exit(1); }
    void unkick() { immediate_exit(0); }

  private:
    Vcpu(Fd fd, Mapping area, u32 id) : fd_(std::move(fd)), area_(std::move(area)), id_(id) {}
    void immediate_exit(u8 value);
    Fd fd_;
    Mapping area_;
    u32 id_;
};

/// "rip=… rsp=… …", several lines, for a panic's report.
[[nodiscard]] std::string describe(const CpuState& state);

}  // namespace astra::vmm
