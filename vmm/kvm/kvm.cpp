// Kvm: one place that knows what the VMM asks of the host's KVM.
#include "vmm/kvm/kvm.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>

#include "vmm/kvm/shim.h"

namespace astra::vmm {

namespace {
struct Needed {
    unsigned capability;
    const char* name;
};
#define NEEDED(name) \
    Needed { name, #name }
constexpr Needed kNeeded[] = {
    NEEDED(KVM_CAP_IRQCHIP),        NEEDED(KVM_CAP_IRQ_ROUTING),
    NEEDED(KVM_CAP_USER_MEMORY),    NEEDED(KVM_CAP_SET_TSS_ADDR),
    NEEDED(KVM_CAP_EXT_CPUID),      NEEDED(KVM_CAP_MP_STATE),
    NEEDED(KVM_CAP_IOEVENTFD),      NEEDED(KVM_CAP_READONLY_MEM),
    NEEDED(KVM_CAP_IMMEDIATE_EXIT), NEEDED(KVM_CAP_SET_IDENTITY_MAP_ADDR),
    NEEDED(KVM_CAP_IRQFD),
};
#undef NEEDED
}  // namespace

Result<Kvm> Kvm::open(const char* path) {
    Fd fd(::open(path, O_RDWR | O_CLOEXEC));
    if (!fd.valid()) {
        auto failure = fail_errno(fmt::format("cannot open {}", path));
        failure.error().hint = failure.error().code == Code::PermissionDenied
                                   ? "add your user to the group that owns the device (kvm), and log in again"
                                   : "enable virtualization and load KVM's module, or use the qemu engine";
        return failure;
    }
    int version = ::ioctl(fd.get(), KVM_GET_API_VERSION, 0);
    if (version < 0) return fail(Code::Unavailable, fmt::format("{} is not a KVM device", path));
    if (version != KVM_API_VERSION)
        return fail(Code::Unavailable,
                    fmt::format("{} speaks API version {}, not {}", path, version, KVM_API_VERSION));
    int area = ::ioctl(fd.get(), KVM_GET_VCPU_MMAP_SIZE, 0);
    if (area < static_cast<int>(sizeof(kvm_run))) return fail_errno("KVM_GET_VCPU_MMAP_SIZE");
    Kvm kvm(std::move(fd), static_cast<usize>(area));
    for (const Needed& needed : kNeeded)
        if (kvm.capability(needed.capability) <= 0)
            return fail(Code::Unavailable, fmt::format("this host's KVM lacks {}", needed.name),
                        "a newer host kernel, or the qemu engine");
    return kvm;
}

int Kvm::capability(unsigned capability) const {
    int answer = ::ioctl(fd_.get(), KVM_CHECK_EXTENSION, capability);
    return answer < 0 ? 0 : answer;
}

Result<CpuidTable> Kvm::supported_cpuid() const {
    CpuidTable table(256);  // KVM_MAX_CPUID_ENTRIES
    __u32 count = static_cast<__u32>(table.size());
    if (astra_kvm_supported_cpuid(fd_.get(), table.data(), &count) < 0)
        return fail_errno("KVM_GET_SUPPORTED_CPUID");
    table.resize(count);
    return table;
}

}  // namespace astra::vmm
