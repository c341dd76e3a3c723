// Local APIC access.
#include "guest_kernel/arch/x86_64/apic.hpp"

#include "guest_kernel/abi/machine.hpp"
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/cpu_features.hpp"
#include "guest_kernel/arch/x86_64/interrupts.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"

namespace astra::arch::lapic {

namespace {

/// Register numbers: MSR offset in x2APIC mode, sixteenth of the memory offset otherwise.
enum Register : u32 {
    kId = 0x02,
    kTaskPriority = 0x08,
    kEoi = 0x0b,
    kSpurious = 0x0f,
    kCommandLow = 0x30,
    kCommandHigh = 0x31,
    kLvtTimer = 0x32,
    kLvtLint0 = 0x35,
    kLvtLint1 = 0x36,
    kLvtError = 0x37,
    kTimerInitial = 0x38,
    kTimerCurrent = 0x39,
    kTimerDivide = 0x3e,
};
constexpr u32 kLvtMasked = 1 << 16, kLvtDeadline = 2 << 17, kSoftwareEnable = 1 << 8, kDivideBy1 = 0b1011;
constexpr u64 kBaseEnable = 1 << 11, kBaseX2 = 1 << 10;
constexpr u32 kDeliverNmi = 4 << 8, kDeliverInit = 5 << 8, kDeliverStartup = 6 << 8, kAssert = 1 << 14,
              kAllButSelf = 3 << 18, kPending = 1 << 12;

constinit bool x2apic = false;

volatile u32* memory_register(Register reg) {
    return static_cast<volatile u32*>(phys_to_virt(PhysAddr(abi::machine::kLapicBase + reg * 16)));
}

u32 read(Register reg) {
    return x2apic ? static_cast<u32>(privileged::read_msr(kMsrX2ApicBase + reg)) : *memory_register(reg);
}

void write(Register reg, u32 value) {
    if (x2apic) {
        privileged::write_msr(kMsrX2ApicBase + reg, value);
    } else {
        *memory_register(reg) = value;
    }
}

/// Writes the interrupt command register. What was stored before must be visible to the CPU that gets the
/// message: an x2APIC write orders nothing by itself.
void command(u32 apic_id, u32 low) {
    if (x2apic) {
        asm volatile("mfence" ::: "memory");
        privileged::write_msr(kMsrX2ApicBase + kCommandLow, u64(apic_id) << 32 | low);
        return;
    }
    bool enabled = interrupts_disable();  // the two halves are one command
    while (read(kCommandLow) & kPending) pause();
    write(kCommandHigh, apic_id << 24);
    write(kCommandLow, low);
    interrupts_restore(enabled);
}

}  // namespace

void init() {
    x2apic = cpu_features().x2apic;
    u64 base = privileged::read_msr(kMsrApicBase);
    privileged::write_msr(kMsrApicBase, base | kBaseEnable | (x2apic ? kBaseX2 : 0));
    for (Register lvt : {kLvtTimer, kLvtLint0, kLvtLint1, kLvtError}) write(lvt, kLvtMasked);
    write(kTaskPriority, 0);
    write(kSpurious, kSoftwareEnable | kVectorSpurious);
}

u32 id() { return x2apic ? read(kId) : read(kId) >> 24; }
void end_of_interrupt() { write(kEoi, 0); }

void send(u32 apic_id, u32 vector) { command(apic_id, kAssert | vector); }
void send_nmi_to_others() { command(0, kAllButSelf | kAssert | kDeliverNmi); }
void send_init(u32 apic_id) { command(apic_id, kAssert | kDeliverInit); }
void send_startup(u32 apic_id, u32 page) { command(apic_id, kAssert | kDeliverStartup | page); }

void init_timer(u32 vector, bool deadline_mode) {
    write(kTimerDivide, kDivideBy1);
    write(kLvtTimer, vector ? vector | (deadline_mode ? kLvtDeadline : 0) : kLvtMasked);
    // The mode must be in place before the first deadline is written (Intel SDM vol. 3, 10.5.4.1).
    asm volatile("mfence" ::: "memory");
}
void set_timer_count(u32 count) { write(kTimerInitial, count); }
void set_timer_deadline(u64 tsc) { privileged::write_msr(kMsrTscDeadline, tsc); }
u32 timer_count() { return read(kTimerCurrent); }

}  // namespace astra::arch::lapic
