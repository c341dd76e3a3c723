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

enum class ThreadState : u8 { Runnable, Running, Sleeping, Stopped, Dead };

/// Reasons to look closer before returning to the program; one word tested on every return (see work_).
enum Work : u32 { kWorkReschedule = 1, kWorkSignal = 2, kWorkExit = 4 };

class Thread : public RefCounted {
  public:
    /// A thread of `process` (null: a kernel thread) not yet runnable, its kernel stack mapped.
    static Result<Ref<Thread>> create(Process* process, int tid);
    ~Thread() override;

    [[nodiscard]] int tid() const { return tid_; }
    [[nodiscard]] Process& process() const { return *process_; }  // not for kernel threads
    [[nodiscard]] bool is_kernel_thread() const { return process_ == nullptr; }
    [[nodiscard]] arch::UserRegisters& registers();
    void raise_work(u32 bits);
    [[nodiscard]] u32 work() const { return work_.load(std::memory_order_acquire); }
    void clear_work(u32 bits) { work_.fetch_and(~bits, std::memory_order_acq_rel); }
    /// True when an unblocked signal or a group exit waits: interruptible sleeps end.
    [[nodiscard]] bool signal_pending() const { return work() & (kWorkSignal | kWorkExit); }

    // Scheduling; guarded by the run queue's lock of `cpu`.
    ListNode run_node;
    std::atomic<ThreadState> state{ThreadState::Sleeping};
    std::atomic<u32> cpu{0};          // last or current CPU
    std::atomic<bool> on_cpu{false};  // its stack is in use: not yet safe to run elsewhere or free
    u64 affinity = ~u64{0};
    u64 kernel_sp = 0;
    Sleep sleep_kind = Sleep::Interruptible;
    u64 slice_end_ns = 0, enqueued_ns = 0;
    u64 blocked_ns = 0;  // total time spent asleep, for the syscall counters
    u64 user_ns = 0, system_ns = 0, last_stamp_ns = 0;
    u64 voluntary_switches = 0, involuntary_switches = 0;

    // CPU state that programs own, saved at a switch.
    void* fpu = nullptr;
    u64 fs_base = 0, gs_base = 0;

    // Per-thread program state.
    ListNode process_node;
    SignalMask blocked_signals = 0;  // owner thread only, or under the process's signal lock
    SignalMask saved_mask = 0;
    bool restore_saved_mask = false;  // sigsuspend, ppoll, …: put saved_mask back after delivery
    PendingSignals pending;           // under the process's signal lock
    abi::SigStack alt_stack{0, 2 /* SS_DISABLE */, 0, 0};
    UserAddr clear_child_tid;  // CLONE_CHILD_CLEARTID
    UserAddr robust_list;
    char name[16] = {};       // comm
    int syscall_number = -1;  // while inside one, for panics and /proc/PID/syscall

  private:
    Thread() = default;
    friend class Process;
    template <class T, class... A>
    friend Result<Ref<T>> astra::make_ref(A&&...);
    int tid_ = 0;
    Process* process_ = nullptr;
    Ref<RefCounted> process_ref_;
    std::atomic<u32> work_{0};
    void* stack_base_ = nullptr;
};

/// The thread running on this CPU.
Thread& current();
/// True once current() may be called.
bool scheduler_running();

}  // namespace astra::sched
