// A thread: a kernel stack, a place in the scheduler, and the per-thread half of Linux's task state.
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/sched/signal.hpp"
#include "guest_kernel/sched/wait_queue.hpp"

namespace astra::sched {

class Process;

enum class ThreadState : u8 { New, Runnable, Running, Sleeping, Dead };

/// Reasons to look closer before returning to the program; one word tested on every return (see work_).
enum Work : u32 { kWorkReschedule = 1, kWorkSignal = 2, kWorkExit = 4, kWorkMask = 8 /* saved_mask */ };

/// sched_setscheduler(2): stored and reported; every thread is scheduled alike.
struct SchedPolicy {
    i32 policy = 0;  // SCHED_OTHER
    i32 priority = 0;
    bool reset_on_fork = false;  // children start with the default one
};

/// A mapped kernel stack and the frames behind it; `base` null: none.
struct KernelStack {
    static constexpr usize kPages = arch::kKernelStackSize / kPageSize;
    void* base = nullptr;
    PhysAddr frames[kPages];
};

class Thread : public RefCounted {
  public:
    /// A thread of `process` (null: a kernel thread) not yet runnable, its kernel stack mapped. Errors:
    /// ENOMEM.
    static Result<Ref<Thread>> create(Process* process, int tid);
    ~Thread() override;

    [[nodiscard]] int tid() const { return tid_; }
    [[nodiscard]] Process& process() const { return *process_; }  // not for kernel threads
    [[nodiscard]] bool is_kernel_thread() const { return process_ == nullptr; }
    /// The program's registers, at the top of the kernel stack.
    [[nodiscard]] arch::UserRegisters& registers() const;
    /// One past the kernel stack's last byte.
    [[nodiscard]] void* stack_top() const;
    /// Sets bits of the work word; a CPU that runs the thread's program right now is made to look. Any
    /// context.
    void raise_work(u32 bits);
    [[nodiscard]] u32 work() const { return work_.load(std::memory_order_seq_cst); }
    void clear_work(u32 bits) { work_.fetch_and(~bits, std::memory_order_seq_cst); }
    /// True when an unblocked signal or a group exit waits: interruptible sleeps end.
    [[nodiscard]] bool signal_pending() const { return work() & (kWorkSignal | kWorkExit); }
    /// True when the thread is about to die: killable sleeps end.
    [[nodiscard]] bool kill_pending() const { return work() & kWorkExit; }
    void set_name(std::string_view text);
    /// CPU time so far in nanoseconds; includes the running slice.
    [[nodiscard]] u64 cpu_time_ns() const;
    /// proc(5)'s state letter: R, S, D, T or Z.
    [[nodiscard]] char state_letter();

    // Scheduling; guarded by the run queue's lock of `cpu`.
    ListNode run_node;
    std::atomic<ThreadState> state{ThreadState::New};
    std::atomic<u32> cpu{0};  // last or current CPU
    std::atomic<u64> affinity{~u64{0}};
    u64 kernel_sp = 0;
    Sleep sleep_kind = Sleep::Interruptible;
    bool woken_first = false;  // picked from the queue of those that slept
    u64 budget_ns = 0;         // what is left of the time slice
    u64 dispatched_ns = 0;     // when it last got the CPU
    u64 enqueued_ns = 0;
    u64 slept_at_ns = 0;
    u64 blocked_ns = 0;          // total time spent asleep, for the syscall counters
    std::atomic<u64> run_ns{0};  // CPU time up to the last switch
    u64 system_ns = 0;           // of it, inside the kernel
    u64 voluntary_switches = 0, involuntary_switches = 0;
    u64 start_ns = 0;  // when it was created

    // CPU state that programs own, saved at a switch.
    void* fpu = nullptr;
    u32 fpu_cpu = ~u32{0};  // the CPU whose registers were last loaded from `fpu`
    u64 fs_base = 0, gs_base = 0;

    // Per-thread program state.
    ListNode process_node;
    ListNode id_node;                // the table of thread ids, under the process tree's mutex
    SignalMask blocked_signals = 0;  // changed by the owner thread, under the process's signal lock
    SignalMask saved_mask = 0;
    bool restore_saved_mask = false;  // sigsuspend, ppoll, …: put saved_mask back after delivery
    SignalMask awaited_signals = 0;   // rt_sigtimedwait sleeps for these; under the process's signal lock
    PendingSignals pending;           // under the process's signal lock
    abi::SigStack alt_stack{0, 2 /* SS_DISABLE */, 0, 0};
    // The last exception the program raised, for its signal frame: vector, error code, address (CR2).
    u64 trap_vector = 0, trap_error = 0, trap_address = 0;
    u64 restart_deadline_ns = 0;  // of a sleep that is being restarted (kRestartBlock), else 0
    UserAddr set_child_tid;       // CLONE_CHILD_SETTID: written when the thread first runs
    UserAddr clear_child_tid;     // CLONE_CHILD_CLEARTID
    UserAddr robust_list;
    std::atomic<u32> contended_mutexes{0};  // waiters for mutexes this thread has (futex_pi.cpp)
    std::atomic<bool> mutexes_orphaned{false};
    SchedPolicy policy;
    u64 timer_slack_ns = 50'000;  // PR_SET_TIMERSLACK
    char name[16] = {};           // comm
    int syscall_number = -1;      // while inside one, for panics and /proc/PID/syscall
    int exit_status = 0;          // wait status, once dead
    LockStack held_mutexes;       // lock-rank checks

  private:
    Thread() = default;
    friend class Process;
    friend struct ThreadAccess;
    template <class T, class... A>
    friend Result<Ref<T>> astra::make_ref(A&&...);
    int tid_ = 0;
    Process* process_ = nullptr;
    Ref<RefCounted> process_ref_;
    std::atomic<u32> work_{0};
    KernelStack stack_;
};

/// The thread running on this CPU.
Thread& current();
/// True once current() may be called.
bool scheduler_running();

}  // namespace astra::sched
