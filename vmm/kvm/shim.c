// See shim.h. Each call copies through a heap buffer of the structure's real layout.
#include "vmm/kvm/shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

// Runs one ioctl and frees the buffer, keeping errno.
static int call_and_free(int fd, unsigned long request, void* argument) {
    int result = ioctl(fd, request, argument);
    int saved = errno;
    free(argument);
    errno = saved;
    return result < 0 ? -1 : 0;
}

int astra_kvm_supported_cpuid(int kvm, struct kvm_cpuid_entry2* entries, __u32* count) {
    struct kvm_cpuid2* table = calloc(1, sizeof *table + *count * sizeof *entries);
    if (!table) return -1;
    table->nent = *count;
    int result = ioctl(kvm, KVM_GET_SUPPORTED_CPUID, table);
    int saved = errno;
    if (result == 0) {
        memcpy(entries, table->entries, table->nent * sizeof *entries);
        *count = table->nent;
    }
    free(table);
    errno = saved;
    return result < 0 ? -1 : 0;
}

int astra_kvm_set_cpuid(int vcpu, const struct kvm_cpuid_entry2* entries, __u32 count) {
    struct kvm_cpuid2* table = calloc(1, sizeof *table + count * sizeof *entries);
    if (!table) return -1;
    table->nent = count;
    memcpy(table->entries, entries, count * sizeof *entries);
    return call_and_free(vcpu, KVM_SET_CPUID2, table);
}

int astra_kvm_set_routing(int vm, const struct kvm_irq_routing_entry* entries, __u32 count) {
    struct kvm_irq_routing* table = calloc(1, sizeof *table + count * sizeof *entries);
    if (!table) return -1;
    table->nr = count;
    memcpy(table->entries, entries, count * sizeof *entries);
    return call_and_free(vm, KVM_SET_GSI_ROUTING, table);
}
