// Vm: thin over the VM's ioctls. Source: Linux Documentation/virt/kvm/api.rst.
#include "vmm/kvm/vm.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include "guest_kernel/abi/machine.hpp"
#include "vmm/kvm/shim.h"

namespace astra::vmm {

namespace {
constexpr u64 kIdentityMapAddress = 0xfffb'c000;  // one page
constexpr u64 kTssAddress = 0xfffb'd000;          // three pages
static_assert(kIdentityMapAddress > abi::machine::kLapicBase &&
              kTssAddress + 3 * kPageSize < abi::machine::kHighRamBase);

constexpr u32 kPicPins = 8, kIoApicPins = 24;
}  // namespace

Result<Vm> Vm::create(const Kvm& kvm) {
    int fd;
    // A signal makes KVM_CREATE_VM give up; nothing was done then.
    do fd = ::ioctl(kvm.fd(), KVM_CREATE_VM, 0);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return fail_errno("KVM_CREATE_VM");
    Vm vm{Fd(fd)};
    __u64 identity_map = kIdentityMapAddress;
    if (::ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0)
        return fail_errno("KVM_SET_IDENTITY_MAP_ADDR");
    if (::ioctl(fd, KVM_SET_TSS_ADDR, kTssAddress) < 0) return fail_errno("KVM_SET_TSS_ADDR");
    return vm;
}

Result<void> Vm::create_interrupt_controllers() const {
    if (::ioctl(fd(), KVM_CREATE_IRQCHIP, 0) < 0) return fail_errno("KVM_CREATE_IRQCHIP");
    std::vector<kvm_irq_routing_entry> routes;
    auto route = [&routes](u32 gsi, u32 chip, u32 pin) {
        kvm_irq_routing_entry entry{};
        entry.gsi = gsi;
        entry.type = KVM_IRQ_ROUTING_IRQCHIP;
        entry.u.irqchip.irqchip = chip;
        entry.u.irqchip.pin = pin;
        routes.push_back(entry);
    };
    for (u32 gsi = 0; gsi < 2 * kPicPins; gsi++)
        if (gsi != 2)  // the second 8259's cascade
            route(gsi, gsi < kPicPins ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % kPicPins);
    for (u32 gsi = 0; gsi < kIoApicPins; gsi++)
        if (gsi != 2) route(gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? 2 : gsi);
    if (astra_kvm_set_routing(fd(), routes.data(), static_cast<__u32>(routes.size())) < 0)
        return fail_errno("KVM_SET_GSI_ROUTING");
    return {};
}

Result<void> Vm::set_memory(u32 slot, PhysAddr base, std::span<u8> host, bool read_only) const {
    kvm_userspace_memory_region region{};
    region.slot = slot;
    region.flags = read_only ? KVM_MEM_READONLY : 0;
    region.guest_phys_addr = base.raw();
    region.memory_size = host.size();
    region.userspace_addr = reinterpret_cast<u64>(host.data());
    if (::ioctl(fd(), KVM_SET_USER_MEMORY_REGION, &region) < 0)
        return fail_errno(
            fmt::format("cannot give the guest {} bytes of memory at {:#x}", host.size(), base.raw()));
    return {};
}

Result<void> Vm::set_shadow_page_limit(u64 pages) const {
    if (::ioctl(fd(), KVM_SET_NR_MMU_PAGES, pages) < 0) return fail_errno("KVM_SET_NR_MMU_PAGES");
    return {};
}

Result<void> Vm::set_irq(u32 gsi, bool level) const {
    kvm_irq_level line{};
    line.irq = gsi;
    line.level = level;
    if (::ioctl(fd(), KVM_IRQ_LINE, &line) < 0) return fail_errno(fmt::format("KVM_IRQ_LINE {}", gsi));
    return {};
}

Result<void> Vm::add_irq_event(u32 gsi, int event_fd) const {
    kvm_irqfd event{};
    event.fd = static_cast<__u32>(event_fd);
    event.gsi = gsi;
    if (::ioctl(fd(), KVM_IRQFD, &event) < 0) return fail_errno(fmt::format("KVM_IRQFD {}", gsi));
    return {};
}

Result<void> Vm::add_doorbell(PhysAddr address, u32 value, int event_fd) const {
    kvm_ioeventfd doorbell{};
    doorbell.datamatch = value;
    doorbell.addr = address.raw();
    doorbell.len = sizeof value;
    doorbell.fd = event_fd;
    doorbell.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
    if (::ioctl(fd(), KVM_IOEVENTFD, &doorbell) < 0)
        return fail_errno(fmt::format("KVM_IOEVENTFD at {:#x}", address.raw()));
    return {};
}

}  // namespace astra::vmm
