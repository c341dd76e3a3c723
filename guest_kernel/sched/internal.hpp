// What the scheduler's and the process code's own files share: the per-CPU block, and the keys to private
// parts.
#pragma once
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra::sched {

/// One CPU as the scheduler sees it. `lock` guards the queue and `current`; the rest belongs to the CPU
/// itself, interrupts off, except what is atomic.
struct Cpu {
    u32 index = 0;
    bool online = false;
    Thread* current = nullptr;
    Thread* idle = nullptr;
    Thread* previous = nullptr;  // being switched away from
    Thread* fpu_owner = nullptr;

    SpinLock lock;
    List<Thread, &Thread::run_node> woken;    // slept: go first
    List<Thread, &Thread::run_node> waiting;  // used up their slice, or are new
    std::atomic<u32> queued{0};               // threads on both
    std::atomic<bool> halted{false};          // in idle_wait: needs an IPI to notice work

    std::atomic<mm::AddressSpace*> space{nullptr};  // loaded; kept while kernel threads run

    SpinLocked<TimerQueue, Rank::Timers> timers;
    std::atomic<TimerEvent*> firing{nullptr};
    std::atomic<u64> next_event_ns{kForever};
    u64 armed_ns = kForever;  // what the hardware timer is set to
    TimerEvent cpu_timer;     // checks the current thread's CPU timers

    LockStack held_spin_locks;
    std::atomic<u64> context_switches{0}, idle_ns{0};
};

Cpu& this_cpu();
Cpu& cpu_at(u32 index);
/// CPUs that init_cpu has seen, as a mask.
u64 online_mask();

/// Locks and unlocks a CPU's run queue; returns whether interrupts were on.
bool lock_queue(Cpu& cpu);
void unlock_queue(Cpu& cpu, bool interrupts);

/// Sets this CPU's hardware timer for whichever comes first: a timer event, or the end of the current
/// thread's turn when others wait. Interrupts off.
void program_timer(Cpu& cpu);
/// When the current thread has to make room; kForever when nobody waits.
u64 turn_end(const Cpu& cpu);
/// Makes room for others if the current thread's turn is over, else sees to it that the timer ends it.
void end_turn_if_due();
/// Runs the timer events whose time has come. Interrupt context.
void run_timers(Cpu& cpu);
/// The wall clock was set: moves this CPU's timer events that follow it.
void shift_wall_timers(i64 shift_ns);
/// Takes a thread from another CPU's queue for `cpu`, whose own is empty. Returns whether it found one.
bool steal_work(Cpu& cpu);
/// Lays out a new thread's kernel stack so that it starts in `entry(&thread)`, which calls finish_switch
/// first.
void prepare_thread(Thread& thread, void (*entry)(void*));
/// First code on a new thread's stack: completes the switch that led there.
void finish_switch();

/// Makes `next` (null: none) the current process's memory, on this CPU too, and returns the old one.
Ref<mm::AddressSpace> replace_space(Ref<mm::AddressSpace> next);
/// The process that owned this reference does not use the space any more; waits until no CPU has it loaded
/// when it was the last.
void retire_space(Ref<mm::AddressSpace> space);
/// Unloads this CPU's address space if its last process has retired it. Idle loop.
void forget_retired_space(Cpu& cpu);

struct ThreadAccess {
    static void set_tid(Thread& thread, int tid) { thread.tid_ = tid; }
    static Result<Ref<Thread>> create_idle();
};

struct ProcessAccess {
    static Result<Ref<Process>> create() { return make_ref<Process>(); }
    static void set_pid(Process& process, int pid) { process.pid_ = pid; }
    static Ref<mm::AddressSpace>& space(Process& process) { return process.space_; }
    static Ref<fs::FdTable>& fds(Process& process) { return process.fds_; }
    static Ref<fs::Context>& fs(Process& process) { return process.fs_; }
    static char* name(Process& process) { return process.name_; }
};

/// Signal internals. `Locked`: the process's signal lock is held.
using SignalGuard = SpinLocked<Signals, Rank::Signals>::Guard;
/// Recomputes whether the thread has signals to look at. Locked.
void update_signal_work(const Signals& signals, Thread& thread);
/// Makes a thread look at its signals now, ending its sleep where that sleep allows it. `fatal`: it is to
/// end.
void kick_thread(Thread& thread, bool fatal);
/// SIGCHLD for a stop or a continuation. Takes the process tree's mutex.
void tell_parent(Process& process, int code, int status);
/// The child has left its parent's memory (exec, exit): lets the parent of a vfork go on.
void release_vfork_parent(Process& child);
/// Everything signals ask of the current thread before its program continues. `regs` may be rewritten.
void deliver_signals(Thread& thread, arch::UserRegisters& regs);
/// Process-wide pending signals that `leaving` will not take: makes others look. Locked.
void retarget_signals(Signals& signals, Thread& leaving);
/// send_signal, to `target` or (null) to any thread; false when the signal was thrown away because it is
/// ignored, or a real-time signal's details were lost.
bool try_send_signal(Process& process, Thread* target, const abi::SigInfo& info);
/// Starts a group exit; every thread but `survivor` (null: all) ends. Locked. False: one is under way
/// already.
bool begin_group_exit(Signals& signals, int wait_status, Thread* survivor);

}  // namespace astra::sched
