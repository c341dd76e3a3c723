// The scheduler: one run queue per CPU, round robin with time slices, idle stealing, no tick while nothing
// waits.
#pragma once
#include "guest_kernel/sched/thread.hpp"

namespace astra::sched {

/// Sets up this CPU's run queue and idle thread. Once per CPU, before anything sleeps.
void init_cpu(u32 cpu);
/// This CPU's idle loop; the boot and secondary paths end here.
[[noreturn]] void run_idle();

/// Gives up the CPU: the current thread's state says whether it stays runnable. Interrupts are off on return
/// as before.
void schedule();
/// Lets others run first (sched_yield).
void yield();
/// Makes a sleeping thread runnable; no effect on one that is not asleep. Any context.
void wake_thread(Thread& thread);
/// Adds a new thread to a run queue.
void start_thread(Thread& thread);
/// Runs `body(argument)` in a kernel thread.
Result<Ref<Thread>> start_kernel_thread(const char* name, void (*body)(void*), void* argument);
/// Sleeps; kRestartSys when a signal ended it, ETIMEDOUT never (the time passing is success).
Result<void> sleep_until(u64 deadline_ns, Sleep how);

/// A one-shot callback on some CPU's timer, in interrupt context. Owner keeps it alive until cancelled or
/// fired.
struct TimerEvent {
    ListNode node;
    u64 deadline_ns = 0;
    void (*fire)(TimerEvent&) = nullptr;
    u32 cpu = 0;
    bool armed = false;
};
/// (Re-)arms for `deadline_ns` (arch::now_ns time).
void arm(TimerEvent& event, u64 deadline_ns);
/// Disarms; when it returns, `fire` is not running and will not run.
void cancel(TimerEvent& event);

/// Wall clock: nanoseconds since the epoch, from the RTC at boot plus monotonic time.
u64 wall_now_ns();
void set_wall_offset_ns(u64 offset);

struct LoadStats {
    u64 context_switches, forks;
    u32 runnable, threads;
    u64 boot_wall_ns;
    u64 idle_ns[arch::kMaxCpus];
    u64 load[3];
};
LoadStats load_stats();

}  // namespace astra::sched
