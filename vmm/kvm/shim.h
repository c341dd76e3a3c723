// The KVM ioctls whose structures end in a flexible array, behind plain pointers. In C++ <linux/kvm.h> gives
// those structures another size, and with it another ioctl number, so these few calls are C.
#ifndef ASTRA_VMM_KVM_SHIM_H
#define ASTRA_VMM_KVM_SHIM_H
#include <linux/kvm.h>

#ifdef __cplusplus
extern "C" {
#endif

/// KVM_GET_SUPPORTED_CPUID on /dev/kvm. `*count` is the room in `entries` and becomes what was filled.
/// 0, or -1 with errno (E2BIG: more room is needed).
int astra_kvm_supported_cpuid(int kvm, struct kvm_cpuid_entry2* entries, __u32* count);
/// KVM_SET_CPUID2 on a vCPU. 0, or -1 with errno.
int astra_kvm_set_cpuid(int vcpu, const struct kvm_cpuid_entry2* entries, __u32 count);
/// KVM_SET_GSI_ROUTING on a VM: replaces the whole table. 0, or -1 with errno.
int astra_kvm_set_routing(int vm, const struct kvm_irq_routing_entry* entries, __u32 count);

#ifdef __cplusplus
}
#endif
#endif
