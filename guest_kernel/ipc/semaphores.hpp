// System V semaphore sets (semget(2), semop(2), semctl(2)).
#pragma once
#include "guest_kernel/ipc/registry.hpp"
#include "guest_kernel/sched/wait_queue.hpp"

namespace astra::ipc {

inline constexpr u32 kMostSemaphores = 32000;  // SEMMSL, SEMMNS per set
inline constexpr u32 kMostOperations = 500;    // SEMOPM
inline constexpr i32 kMostValue = 32767;       // SEMVMX

struct Semaphore {
    u16 value = 0;
    int last_pid = 0;
    u32 waiting_for_more = 0, waiting_for_zero = 0;
};

/// What is added to a semaphore when a process ends (SEM_UNDO).
struct Undo {
    int pid;
    u16 number;
    i32 change;
};

/// Guarded by its registry's lock.
class SemaphoreSet final : public RefCounted, public Object {
  public:
    static Result<Ref<SemaphoreSet>> create(u32 count);
    Vector<Semaphore> semaphores;
    Vector<Undo> undos;
    i64 operation_time = 0;
    sched::WaitQueue changed;  // every sleeper looks again
};

using LockedSemaphores = sched::SpinLocked<Registry<SemaphoreSet, 32000>, sched::Rank::FileRegistry>;
LockedSemaphores& semaphore_sets();

/// semop(2) with a deadline (sched::kForever: none): all operations at once or, while they cannot be done,
/// none. Errors: EFBIG, ERANGE, EAGAIN (would sleep, or the deadline), EIDRM, EINTR, EACCES, EINVAL, ENOMEM.
Result<void> operate(int id, std::span<const abi::SemBuf> operations, u64 deadline_ns);
/// The process has ended: its operations with SEM_UNDO are undone.
void undo_operations(int pid);

}  // namespace astra::ipc
