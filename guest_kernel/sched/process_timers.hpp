// A process's timers: setitimer(2)'s three and POSIX ones (timer_create(2)), on wall, monotonic and CPU
// clocks.
//
// A timer whose signal is pending is not armed: the next period starts when the signal is taken, and the
// periods missed in between are its overrun count. So a period of a nanosecond cannot swamp a CPU.
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/sched/lock.hpp"
#include "guest_kernel/sched/timer_queue.hpp"

namespace astra::sched {

class Process;
class Thread;

enum class TimerClock : u8 {
    Monotonic,
    Wall,
    ProcessCpu,
    ProcessUser,  // ITIMER_VIRTUAL: time outside the kernel
    ThreadCpu
};
constexpr bool is_cpu_clock(TimerClock clock) { return clock >= TimerClock::ProcessCpu; }

/// Who learns of an expiry.
enum class TimerNotify : u8 { Process, Thread, Nobody, CpuLimit };

struct PosixTimer : TimerEvent {
    Process* process = nullptr;
    Ref<Thread> thread;  // TimerNotify::Thread's target, or whose CPU time is counted
    TimerClock clock = TimerClock::Monotonic;
    TimerNotify notify = TimerNotify::Process;
    abi::SigInfo info{};  // what is sent
    /// Next expiry, as timer_now() counts; 0: disarmed.
    u64 expiry_ns = 0;
    bool follows_wall = false;  // armed for a time of day, not for a time from now
    u64 interval_ns = 0;
    bool expired = false;  // its signal is pending; the next period has not started
    i32 overrun = 0;       // of the signal taken last
    ListNode cpu_node;     // CpuTimers::armed
    PosixTimer() = default;
    ~PosixTimer();  // disarms
};

/// Armed timers on CPU clocks: the scheduler looks at them while one of the process's threads runs.
struct CpuTimers {
    SpinLocked<List<PosixTimer, &PosixTimer::cpu_node>, Rank::CpuTimers> armed;
    std::atomic<u32> count{0};
};

/// setitimer(2)'s `which`.
enum IntervalTimer : int { kItimerReal, kItimerVirtual, kItimerProf, kIntervalTimers };

/// Guarded by the process's PosixTimers mutex; the events themselves fire in interrupt context.
struct ProcessTimers {
    static constexpr usize kMost = 256;
    Vector<Own<PosixTimer>> posix;              // by timer id; null: free
    Own<PosixTimer> interval[kIntervalTimers];  // made at first use
    Own<PosixTimer> cpu_limit;                  // RLIMIT_CPU: SIGXCPU once a second
};

/// What is left until expiry, and the period, in nanoseconds. 0, 0: disarmed.
struct TimerValue {
    u64 left_ns = 0, interval_ns = 0;
};
/// Arms (or with `expiry_ns` 0 disarms) a timer. `expiry_ns` is what timer_now() will show, or what the wall
/// clock will if it is to be followed.
void set_timer(PosixTimer& timer, u64 expiry_ns, u64 interval_ns, bool follows_wall = false);
TimerValue timer_value(PosixTimer& timer);
/// Now, on the clock that `timer` counts by: its CPU clock, the wall clock if it follows it, else the
/// monotonic one.
u64 timer_now(const PosixTimer& timer);
/// A signal made by a timer was taken by the current thread: starts the next period, completes `info` with
/// the overrun count. Takes the process's PosixTimers mutex.
void timer_signal_taken(abi::SigInfo& info);
/// RLIMIT_CPU was set: SIGXCPU from the soft limit on, SIGKILL at the hard one. Errors: ENOMEM.
Result<void> watch_cpu_limit(Process& process);
/// exec(2): POSIX timers go, interval timers stay. Exit: all go.
void drop_timers(Process& process, bool interval_timers_too);
/// Fires what has come due on the CPU clocks of the current thread. A TimerEvent's callback.
void check_cpu_timers(TimerEvent& event);
/// The current thread got this CPU: watches its process's CPU timers. Interrupts off, no lock held.
void watch_cpu_timers(Thread& thread);

}  // namespace astra::sched
