// /dev/kvm itself: opened, checked for everything the VMM uses, and asked what it offers.
// Source: Linux Documentation/virt/kvm/api.rst.
#pragma once
#include <linux/kvm.h>

#include <vector>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {

using CpuidTable = std::vector<kvm_cpuid_entry2>;

class Kvm {
  public:
    /// Opens `path` and checks the API version and every capability the VMM needs. NotFound when there is no
    /// such device, PermissionDenied when this user may not open it, Unavailable when KVM is too old or lacks
    /// something.
    [[nodiscard]] static Result<Kvm> open(const char* path = "/dev/kvm");

    [[nodiscard]] int fd() const { return fd_.get(); }
    /// KVM_CHECK_EXTENSION: 0 when `capability` (KVM_CAP_*) is not there, else what it says.
    [[nodiscard]] int capability(unsigned capability) const;
    /// What KVM can show a guest, as KVM_GET_SUPPORTED_CPUID lists it.
    [[nodiscard]] Result<CpuidTable> supported_cpuid() const;
    /// Bytes of the area a vCPU shares with its runner.
    [[nodiscard]] usize vcpu_area_bytes() const { return vcpu_area_bytes_; }

  private:
    Kvm(Fd fd, usize vcpu_area_bytes) : fd_(std::move(fd)), vcpu_area_bytes_(vcpu_area_bytes) {}
    Fd fd_;
    usize vcpu_area_bytes_;
};

}  // namespace astra::vmm
