// Which kind of KVM this host has, found by trying it: it decides which kernel build a guest needs.
#pragma once
#include <string>

#include "vmm/base/error.hpp"

namespace astra::vmm {

enum class KvmKind {
    Hardware,  // CPL0 code runs natively: the isolated build
    Software,  // CPL0 code is emulated: the flat build
};

/// Lets a throw-away vCPU run `cmpxchg16b` at CPL0 in long mode. A CPU executes it; KVM's instruction
/// emulator does not know it, so a KVM that emulates CPL0 stops with an emulation error. Takes a few
/// milliseconds; the answer holds as long as the host's KVM stays loaded. Errors: as Kvm::open, when there is
/// no usable KVM; Internal when the vCPU stops in any other way.
[[nodiscard]] Result<KvmKind> probe_kvm(const char* path = "/dev/kvm");

/// "hardware" or "software".
[[nodiscard]] std::string_view kvm_kind_name(KvmKind kind);

}  // namespace astra::vmm
