// Vectors, the 8259s (masked for good) and the IOAPIC (Intel 82093AA data sheet).
#include "guest_kernel/arch/x86_64/interrupts.hpp"

#include <atomic>

#include "guest_kernel/abi/machine.hpp"
#include "guest_kernel/arch/x86_64/apic.hpp"
#include "guest_kernel/arch/x86_64/percpu.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"
#include "guest_kernel/arch/x86_64/tlb.hpp"
#include "guest_kernel/drivers/counters.hpp"

namespace astra::arch {

namespace {

/// Taken once; the rest is written before the vector's source is unmasked.
struct Handler {
    std::atomic<bool> taken{false};
    void (*function)(void*) = nullptr;
    void* argument = nullptr;
};
constinit Handler handlers[256];
constinit std::atomic<bool> stopping{false};

constexpr u32 kIoApicVersion = 1, kIoApicRedirection = 0x10;
constexpr u32 kRedirectionMasked = 1 << 16;
constexpr u32 kMsiBase = 0xfee0'0000;

/// The IOAPIC's two registers: which, and its value.
u32 io_apic_read(u32 reg) {
    auto* base = static_cast<volatile u32*>(phys_to_virt(PhysAddr(abi::machine::kIoApicBase)));
    base[0] = reg;
    return base[4];
}
void io_apic_write(u32 reg, u32 value) {
    auto* base = static_cast<volatile u32*>(phys_to_virt(PhysAddr(abi::machine::kIoApicBase)));
    base[0] = reg;
    base[4] = value;
}
u32 io_apic_lines() { return (io_apic_read(kIoApicVersion) >> 16 & 0xff) + 1; }

}  // namespace

Result<void> set_vector(u32 vector, void (*handler)(void*), void* argument) {
    Handler& entry = handlers[vector];
    if (entry.taken.exchange(true)) return fail(Errno::kEBUSY);
    entry.argument = argument;
    entry.function = handler;
    return {};
}

void dispatch_interrupt(u64 vector) {
    // Acknowledged first: an edge that comes while the handler runs is then latched, not lost.
    if (!privileged::kAcknowledgedAtEntry && vector != kVectorSpurious) lapic::end_of_interrupt();
    counters::add(counters::local().interrupts);
    const Handler& handler = handlers[vector];
    if (handler.function) handler.function(handler.argument);
}

void init_interrupts() {
    privileged::out8(abi::machine::kPortPic1 + 1, 0xff);
    privileged::out8(abi::machine::kPortPic2 + 1, 0xff);
    lapic::init();
    (void)set_vector(
        kVectorFlush, [](void*) { serve_flush_requests(); }, nullptr);  // free: it is the first
    for (u32 line = 0; line < io_apic_lines(); line++)
        io_apic_write(kIoApicRedirection + 2 * line, kRedirectionMasked);
}

Result<void> install_irq(u32 line, void (*handler)(void*), void* argument) {
    if (line >= io_apic_lines()) return fail(Errno::kEINVAL);
    TRY(set_vector(kVectorGsi + line, handler, argument));
    // Edge-triggered, active high: irqfd and the ISA devices pulse their lines. A level-triggered pulse that
    // comes while the last is being served would be lost.
    io_apic_write(kIoApicRedirection + 2 * line + 1, per_cpu[0].apic_id << 24);
    io_apic_write(kIoApicRedirection + 2 * line, kVectorGsi + line);
    return {};
}

Result<MsiMessage> install_msi(void (*handler)(void*), void* argument) {
    for (u32 vector = kVectorMsi; vector < kVectorMsiEnd; vector++)
        if (set_vector(vector, handler, argument))
            return MsiMessage{kMsiBase | per_cpu[0].apic_id << 12, vector};
    return fail(Errno::kENOSPC);
}

bool is_stopping() { return stopping.load(std::memory_order_relaxed); }

void stop_other_cpus() {
    stopping.store(true);
    if (cpus_online() > 1) lapic::send_nmi_to_others();
}

}  // namespace astra::arch
