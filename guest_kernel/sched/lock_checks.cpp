// Run-time check of the lock order (lock.hpp): compiled in when ASTRA_KERNEL_CHECKS is set.
#include "guest_kernel/sched/internal.hpp"

#if ASTRA_KERNEL_CHECKS
namespace astra::sched {

namespace {

// Before a CPU has its block nothing is recorded: only its own boot code runs there.
Cpu* checked_cpu() { return scheduler_running() ? &this_cpu() : nullptr; }

void check_order(const LockStack& stack, Rank rank, const void* lock, bool pair) {
    if (stack.count == LockStack::kDepth) panic("more than %u locks held", LockStack::kDepth);
    for (u32 i = 0; i < stack.count; i++) {
        const LockStack::Held& held = stack.held[i];
        if (held.lock == lock) panic("lock %p (rank %u) taken twice", lock, static_cast<u32>(rank));
        if (held.rank > rank || (held.rank == rank && !pair))
            panic("lock of rank %u taken while holding rank %u", static_cast<u32>(rank),
                  static_cast<u32>(held.rank));
    }
}

void push(LockStack& stack, Rank rank, const void* lock) { stack.held[stack.count++] = {rank, lock}; }

// Locks need not be released in the order they were taken; one taken before checks began is not there.
void pop(LockStack& stack, const void* lock) {
    for (u32 i = stack.count; i-- > 0;) {
        if (stack.held[i].lock != lock) continue;
        for (u32 j = i; j + 1 < stack.count; j++) stack.held[j] = stack.held[j + 1];
        stack.count--;
        return;
    }
}

}  // namespace

void rank_acquire(Rank rank, const void* lock, bool spin, bool pair) {
    Cpu* cpu = checked_cpu();
    if (!cpu) return;
    if (spin) {
        check_order(cpu->held_spin_locks, rank, lock, pair);
        push(cpu->held_spin_locks, rank, lock);
        return;
    }
    bool interrupts = arch::interrupts_disable();
    if (cpu->held_spin_locks.count)
        panic("mutex of rank %u taken while holding a spin lock of rank %u", static_cast<u32>(rank),
              static_cast<u32>(cpu->held_spin_locks.held[0].rank));
    arch::interrupts_restore(interrupts);
    LockStack& mutexes = current().held_mutexes;
    check_order(mutexes, rank, lock, pair);
    push(mutexes, rank, lock);
}

void rank_release(Rank, const void* lock, bool spin) {
    Cpu* cpu = checked_cpu();
    if (cpu) pop(spin ? cpu->held_spin_locks : current().held_mutexes, lock);
}

}  // namespace astra::sched
#endif
