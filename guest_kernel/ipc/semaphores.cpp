// System V semaphores: operations, sleepers and undoing.
#include "guest_kernel/ipc/semaphores.hpp"

#include <algorithm>
#include <optional>

#include "guest_kernel/sched/process.hpp"

namespace astra::ipc {

namespace {

constexpr i16 kUndo = 0x1000;  // SEM_UNDO
LockedSemaphores g_sets;

/// What keeps operations from being done.
struct Obstacle {
    usize operation;
    bool no_wait;
};

Undo* undo_of(SemaphoreSet& set, int pid, u16 number) {
    for (Undo& undo : set.undos)
        if (undo.pid == pid && undo.number == number) return &undo;
    return nullptr;
}

/// Room for what the operations may have to remember, so that doing them cannot fail. Errors: ENOMEM, ERANGE.
Result<void> reserve_undos(SemaphoreSet& set, std::span<const abi::SemBuf> operations, int pid) {
    for (const abi::SemBuf& op : operations) {
        if (!(op.flags & kUndo) || op.change == 0) continue;
        Undo* undo = undo_of(set, pid, op.number);
        if (!undo) TRY(set.undos.push_back({pid, op.number, 0}));
        if (undo && (undo->change - op.change > kMostValue || undo->change - op.change < -kMostValue))
            return fail(Errno::kERANGE);
    }
    return {};
}

void revert(SemaphoreSet& set, std::span<const abi::SemBuf> done) {
    for (usize i = done.size(); i > 0; i--)
        set.semaphores[done[i - 1].number].value -= static_cast<u16>(done[i - 1].change);
}

/// Does all operations, or none: then says which one is in the way, or ERANGE.
Result<std::optional<Obstacle>> attempt(SemaphoreSet& set, std::span<const abi::SemBuf> operations, int pid) {
    for (usize i = 0; i < operations.size(); i++) {
        const abi::SemBuf& op = operations[i];
        i32 value = set.semaphores[op.number].value, next = value + op.change;
        bool blocked = op.change == 0 ? value != 0 : next < 0;
        if (blocked || next > kMostValue) revert(set, operations.first(i));
        if (blocked) return Obstacle{i, (op.flags & abi::kIpcNoWait) != 0};
        if (next > kMostValue) return fail(Errno::kERANGE);
        set.semaphores[op.number].value = static_cast<u16>(next);
    }
    for (const abi::SemBuf& op : operations) {
        set.semaphores[op.number].last_pid = pid;
        if (op.flags & kUndo && op.change != 0) undo_of(set, pid, op.number)->change -= op.change;
    }
    return std::nullopt;
}

u32& waiting(SemaphoreSet& set, const abi::SemBuf& op) {
    Semaphore& semaphore = set.semaphores[op.number];
    return op.change == 0 ? semaphore.waiting_for_zero : semaphore.waiting_for_more;
}

}  // namespace

LockedSemaphores& semaphore_sets() { return g_sets; }

Result<Ref<SemaphoreSet>> SemaphoreSet::create(u32 count) {
    if (count == 0 || count > kMostSemaphores) return fail(Errno::kEINVAL);
    Ref<SemaphoreSet> set = TRY(make_ref<SemaphoreSet>());
    TRY(set->semaphores.resize(count));
    return set;
}

Result<void> operate(int id, std::span<const abi::SemBuf> operations, u64 deadline_ns) {
    const Caller caller = Caller::current();
    bool alters = std::ranges::any_of(operations, [](const abi::SemBuf& op) { return op.change != 0; });
    Ref<SemaphoreSet> set;
    {
        auto sets = g_sets.lock();
        set = TRY(sets->find(id));
        for (const abi::SemBuf& op : operations)
            if (op.number >= set->semaphores.size()) return fail(Errno::kEFBIG);
        TRY(check_access(*set, alters ? 0222 : 0444, caller));
        TRY(reserve_undos(*set, operations, caller.pid));
    }
    // Tries, and when it has to sleep stays counted among those that wait for the semaphore that was in the
    // way.
    const abi::SemBuf* in_the_way = nullptr;
    Result<void> outcome;
    auto settled = [&] {
        auto sets = g_sets.lock();
        if (in_the_way) waiting(*set, *in_the_way)--;
        in_the_way = nullptr;
        outcome = {};
        if (set->removed) return outcome = fail(Errno::kEIDRM), true;
        Result<std::optional<Obstacle>> tried = attempt(*set, operations, caller.pid);
        if (!tried) return outcome = fail(tried.error()), true;
        if (!*tried) return set->operation_time = caller.now, true;
        if ((*tried)->no_wait) return outcome = fail(Errno::kEAGAIN), true;
        in_the_way = &operations[(*tried)->operation];
        waiting(*set, *in_the_way)++;
        return false;
    };
    Result<void> slept = set->changed.wait(settled, sched::Sleep::Interruptible, deadline_ns);
    if (!slept) {
        auto sets = g_sets.lock();
        if (in_the_way) waiting(*set, *in_the_way)--;
        return fail(slept.error() == Errno::kETIMEDOUT ? Errno::kEAGAIN : Errno::kEINTR);
    }
    if (outcome && alters) set->changed.wake_all();
    return outcome;
}

void undo_operations(int pid) {
    for (int slot = 0;; slot++) {
        Ref<SemaphoreSet> set;
        auto sets = g_sets.lock();
        if (slot > sets->highest_slot()) return;
        if (Result<Ref<SemaphoreSet>> found = sets->at(slot)) set = *found;
        if (!set) continue;
        usize kept = 0;
        for (const Undo& undo : set->undos) {
            if (undo.pid != pid) {
                set->undos[kept++] = undo;
                continue;
            }
            Semaphore& semaphore = set->semaphores[undo.number];
            semaphore.value = static_cast<u16>(std::clamp(semaphore.value + undo.change, 0, kMostValue));
            semaphore.last_pid = pid;
        }
        bool changed = kept != set->undos.size();
        while (set->undos.size() > kept) set->undos.pop_back();
        sets.unlock();
        if (changed) set->changed.wake_all();
    }
}

}  // namespace astra::ipc
