// The page-fault upcall: resolves what can be resolved, turns the rest into signals.
#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/drivers/control.hpp"
#include "guest_kernel/drivers/counters.hpp"
#include "guest_kernel/drivers/log.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra {

namespace {

using sched::kSigBus, sched::kSigKill, sched::kSigSegv;
constexpr u64 kPageFaultVector = 14;
// si_code (include/uapi/asm-generic/siginfo.h)
constexpr int kSegvMapErr = 1, kSegvAccErr = 2, kBusAdrErr = 2;

/// Memory is exhausted and no page of any program can be reclaimed: the program that asked for more ends.
void kill_for_memory(sched::Process& process) {
    u64 resident = process.space().usage().resident_bytes;
    const char* name = sched::current().name;
    log(LogLevel::Error, "out of memory: killing process %d (%s), %lu KiB resident", process.pid(), name,
        static_cast<unsigned long>(resident >> 10));
    report_out_of_memory(process.pid(), name, resident);
    sched::send_signal(process, sched::kernel_signal(kSigKill));
}

}  // namespace

bool handle_page_fault(const FaultInfo& fault, arch::UserRegisters*) {
    counters::add(counters::local().page_faults);
    // A copy under a spin lock: whoever makes it brings the page in and tries again.
    if (!fault.from_user && !arch::interrupts_enabled()) return false;
    sched::Thread& thread = sched::current();
    if (thread.is_kernel_thread()) return false;
    sched::Process& process = thread.process();
    process.page_faults.fetch_add(1, std::memory_order_relaxed);
    using Outcome = mm::FaultOutcome;
    Outcome outcome = process.space().handle_fault(fault);
    if (outcome == Outcome::Resolved) return true;
    if (outcome == Outcome::OutOfMemory) {
        kill_for_memory(process);
        return fault.from_user;
    }
    if (!fault.from_user) return false;
    thread.trap_vector = kPageFaultVector;
    thread.trap_error = u64{fault.present} | u64{fault.write} << 1 | 4 | u64{fault.execute} << 4;
    thread.trap_address = fault.address;
    if (outcome == Outcome::BeyondEnd)
        sched::force_signal(sched::fault_signal(kSigBus, kBusAdrErr, fault.address));
    else
        sched::force_signal(sched::fault_signal(
            kSigSegv, outcome == Outcome::Denied ? kSegvAccErr : kSegvMapErr, fault.address));
    return true;
}

}  // namespace astra
