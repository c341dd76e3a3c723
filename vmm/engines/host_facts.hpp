// What this host and this installation offer for running guests.
#pragma once
#include <string>

#include "vmm/base/error.hpp"
#include "vmm/kvm/host_probe.hpp"

namespace astra::vmm {

struct HostFacts {
    Result<KvmKind> kvm = fail(Code::Unavailable, "not probed");  // or why /dev/kvm cannot be used
    std::string vmm;                                              // paths; empty: not there
    std::string qemu;                                             // qemu-system-x86_64
    std::string libvirt;                                          // astra-libvirt
    std::string kernel_isolated;
    std::string kernel_flat;
    std::string installation;  // the folder astra's programs lie in
    std::string kernels;       // the folder its kernels lie in
};

/// Looks: probes /dev/kvm (milliseconds), finds the programs beside this one, the kernels in ../share/astra
/// and QEMU in PATH.
[[nodiscard]] HostFacts gather_host_facts();

}  // namespace astra::vmm
