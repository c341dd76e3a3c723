// A virtual machine: its memory slots, interrupt controllers and doorbells.
#pragma once
#include <span>

#include "vmm/kvm/kvm.hpp"

namespace astra::vmm {

class Vm {
  public:
    /// Creates a VM without memory or vCPUs. The three pages that VMX wants for real-mode emulation lie below
    /// 4 GiB's end, outside everything of abi/machine.hpp.
    [[nodiscard]] static Result<Vm> create(const Kvm& kvm);

    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Puts the 8259s, the IOAPIC and the LAPICs into the kernel, wired as on a PC: IRQ 0 reaches the
    /// IOAPIC's pin 2, every other line the pin of its number. Before the first vCPU.
    [[nodiscard]] Result<void> create_interrupt_controllers() const;
    /// Gives guest-physical [base, base + host.size()) the memory `host`, which the caller keeps mapped as
    /// long as the VM lives. With `read_only`, guest writes come out as MMIO exits. Both ends page-aligned.
    [[nodiscard]] Result<void> set_memory(u32 slot, PhysAddr base, std::span<u8> host, bool read_only) const;
    /// How many shadow pages (page tables KVM keeps for the guest's) may live at once.
    [[nodiscard]] Result<void> set_shadow_page_limit(u64 pages) const;
    /// Drives interrupt line `gsi`.
    [[nodiscard]] Result<void> set_irq(u32 gsi, bool level) const;
    /// What makes `event_fd` readable pulses interrupt line `gsi`: one edge, without a call by this process.
    [[nodiscard]] Result<void> add_irq_event(u32 gsi, int event_fd) const;
    /// A guest write of `value`, 4 bytes wide, to `address` bumps `event_fd` instead of leaving the kernel.
    [[nodiscard]] Result<void> add_doorbell(PhysAddr address, u32 value, int event_fd) const;

  private:
    explicit Vm(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

}  // namespace astra::vmm
