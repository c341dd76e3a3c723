// TLB shootdowns. Each CPU has one request slot; it marks itself in the targets' flush_asked_by, interrupts
// them and waits until all have cleared their bit, serving what others ask meanwhile. No lock: two CPUs may
// shoot at each other.
#include "guest_kernel/arch/x86_64/tlb.hpp"

#include "guest_kernel/arch/x86_64/apic.hpp"
#include "guest_kernel/arch/x86_64/interrupts.hpp"
#include "guest_kernel/arch/x86_64/percpu.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"
#include "guest_kernel/drivers/counters.hpp"

namespace astra::arch {

namespace {

constexpr u64 kMaxSinglePages = 32;
/// A request for [0, 0): the kernel's half, global translations included.
constexpr u64 kKernelRequest = 0;

void flush_here(u64 start, u64 end) {
    if (end == kKernelRequest) return privileged::flush_all();
    if (end - start > kMaxSinglePages * kPageSize) return privileged::flush_program();
    for (u64 page = start; page < end; page += kPageSize) privileged::invalidate_page(page);
}

/// True when `target` is idle and will flush by itself before it uses the program half again: no reason to
/// wake it. It leaves idle_wait by the mirror image of these two steps, so one side sees the other.
bool is_spared(PerCpu& target) {
    if (!target.idle.load()) return false;
    target.flush_owed.store(true);
    return target.idle.load();
}

/// Has [start, end) forgotten here and on the CPUs of `mask`.
void flush(u64 mask, u64 start, u64 end) {
    bool enabled = interrupts_disable();
    PerCpu& self = this_cpu();
    mask &= ~(u64{1} << self.index);
    for (u64 left = end == kKernelRequest ? 0 : mask; left; left &= left - 1)
        if (is_spared(per_cpu[__builtin_ctzll(left)])) mask &= ~(left & -left);
    self.flush.start = start;
    self.flush.end = end;
    self.flush.waiting_for.store(mask);
    if (mask) counters::add(counters::local().tlb_shootdowns);
    for (u64 left = mask; left; left &= left - 1) {
        PerCpu& target = per_cpu[__builtin_ctzll(left)];
        target.flush_asked_by.fetch_or(u64{1} << self.index);
        lapic::send(target.apic_id, kVectorFlush);
    }
    flush_here(start, end);
    while (self.flush.waiting_for.load(std::memory_order_acquire)) spin_pause();
    interrupts_restore(enabled);
}

}  // namespace

void serve_flush_requests() {
    PerCpu& self = this_cpu();
    if (self.flush_asked_by.load(std::memory_order_relaxed) == 0) return;
    for (u64 from = self.flush_asked_by.exchange(0); from; from &= from - 1) {
        FlushRequest& request = per_cpu[__builtin_ctzll(from)].flush;
        flush_here(request.start, request.end);
        request.waiting_for.fetch_and(~(u64{1} << self.index), std::memory_order_release);
    }
}

void spin_pause() {
    pause();
    bool enabled = interrupts_disable();
    serve_flush_requests();
    interrupts_restore(enabled);
    if (enabled) privileged::let_interrupts_in();
}

void flush_tlb(u64 cpu_mask, UserAddr start, UserAddr end) {
    if (start >= end) return;
    u64 online = (u64{1} << cpus_online()) - 1;
    flush(cpu_mask & online, start.page().raw(), end.raw());
}

void flush_kernel_everywhere() { flush((u64{1} << cpus_online()) - 1, 0, kKernelRequest); }

}  // namespace astra::arch
