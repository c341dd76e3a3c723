// The scheduler: one run queue per CPU, round robin with time slices, those that slept first, idle stealing,
// no tick while nothing waits.
#pragma once
#include "guest_kernel/sched/thread.hpp"
#include "guest_kernel/sched/timer_queue.hpp"

namespace astra::sched {

/// A whole turn: long, because ending it costs up to 100 µs on software KVM.
inline constexpr u64 kSliceNs = 10'000'000;

/// Sets up this CPU's run queue and idle thread. Once per CPU, before anything sleeps.
void init_cpu(u32 cpu);
/// This CPU's idle loop; the boot and secondary paths end here.
[[noreturn]] void run_idle();

/// Gives up the CPU: the current thread's state says whether it stays runnable. Interrupts are as before on
/// return.
void schedule();
/// Lets others run first (sched_yield).
void yield();
/// Makes a sleeping thread runnable; false, without effect, on one that is not asleep. Any context.
bool wake_thread(Thread& thread);
/// Adds a new thread to a run queue.
void start_thread(Thread& thread);
/// Makes every other CPU that runs a program execute a full memory barrier, and reload its instructions
/// (membarrier(2)), before it returns.
void barrier_on_other_cpus();
/// Moves the thread to an allowed CPU after its affinity changed.
void apply_affinity(Thread& thread);
/// Runs `body(argument)` in a kernel thread. Errors: ENOMEM.
Result<Ref<Thread>> start_kernel_thread(const char* name, void (*body)(void*), void* argument);
/// Ends the current kernel thread; its program-side cleanup, if it had one, is done.
[[noreturn]] void leave_scheduler();

/// Sleeping in three steps, for callers with a lock protocol of their own: begin_sleep, then either
/// cancel_sleep or block. From begin_sleep on, wake_thread() ends the sleep, even one not yet begun.
void begin_sleep(Sleep how);
void cancel_sleep();
/// Gives up the CPU until woken. Errors: kRestartSys when a signal ends the sleep; ETIMEDOUT at
/// `deadline_ns`. A wake-up may also be spurious: check the condition again.
Result<void> block(u64 deadline_ns);
/// Sleeps; kRestartSys when a signal ended it, ETIMEDOUT never (the time passing is success).
Result<void> sleep_until(u64 deadline_ns, Sleep how);

/// (Re-)arms for `deadline_ns` (arch::now_ns time), which moves with the wall clock if it is to. Any context.
void arm(TimerEvent& event, u64 deadline_ns, bool follows_wall = false);
/// Disarms; when it returns, `fire` is not running and will not run (from inside `fire` itself: will not run
/// again). Hold no lock that `fire` takes.
void cancel(TimerEvent& event);

/// Wall clock: nanoseconds since the epoch, from the RTC at boot plus monotonic time.
u64 wall_now_ns();
void set_wall_offset_ns(u64 offset);
/// Real time minus monotonic time.
u64 wall_offset_ns();

struct LoadStats {
    u64 context_switches, forks;
    u32 runnable, threads;
    u64 boot_wall_ns;
    u64 idle_ns[arch::kMaxCpus];
    u64 load[3];  // 1, 5 and 15 minutes, 16 fractional bits (sysinfo(2))
};
/// Takes the process tree's mutex.
LoadStats load_stats();
void count_fork();

}  // namespace astra::sched
