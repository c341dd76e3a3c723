// Keeps a virtual machine that never runs. Linux patches the code of its scheduler and of KVM when the first
// machine comes and when the last one goes (static keys of preemption notifiers and of disabled local APICs).
// QEMU before 8.1 may go on executing what a CPU had translated during such a patch: that CPU takes its int3
// again and again, for ever. With a machine that stays, the tests' own come and go without patches.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void) {
    int vm = ioctl(open("/dev/kvm", O_RDWR), KVM_CREATE_VM, 0);
    if (vm < 0 || ioctl(vm, KVM_CREATE_IRQCHIP, 0) < 0 || ioctl(vm, KVM_CREATE_VCPU, 0) < 0) {
        perror("lab: cannot keep a virtual machine");
        return 1;
    }
    for (;;) pause();
}
