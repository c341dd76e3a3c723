// System V semaphores: semget(2), semop(2), semtimedop(2), semctl(2).
#include "guest_kernel/ipc/semaphores.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/deadline.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

using ipc::Caller, ipc::semaphore_sets, ipc::SemaphoreSet;

namespace {

enum Command : int {
    kGetPid = 11,
    kGetValue = 12,
    kGetAll = 13,
    kGetWaitingForMore = 14,
    kGetWaitingForZero = 15,
    kSetValue = 16,
    kSetAll = 17,
    kStatAt = 18,
    kSemInfo = 19,
    kStatAny = 20
};
constexpr u32 kReadBits = 0444, kWriteBits = 0222;

SyscallResult operate(int id, In<SemBuf> operations, usize count, u64 deadline) {
    if (count == 0 || id < 0) return fail(Errno::kEINVAL);
    if (count > ipc::kMostOperations) return fail(Errno::kE2BIG);
    Vector<SemBuf> list;
    TRY(list.resize(count));
    TRY(mm::read_array(operations, std::span<SemBuf>(list.data(), count)));
    TRY(ipc::operate(id, list, deadline));
    return 0;
}

/// IPC_STAT, and by slot. Errors: EINVAL, EIDRM, EACCES, EFAULT.
SyscallResult status(int id, int command, Out<SemDs> to) {
    Caller caller = Caller::current();
    SemDs out{};
    int found;
    {
        auto sets = semaphore_sets().lock();
        Ref<SemaphoreSet> set = command == kIpcStat ? TRY(sets->find(id)) : TRY(sets->at(id));
        if (command != kStatAny) TRY(check_access(*set, kReadBits, caller));
        out.perm = set->perm;
        out.operation_time = set->operation_time;
        out.change_time = set->change_time;
        out.count = set->semaphores.size();
        found = set->id;
    }
    TRY(mm::write(to, out));
    return command == kIpcStat ? 0 : found;
}

SyscallResult limits(Out<SemLimits> to) {
    constexpr i32 kMany = 32000 * 32000;
    TRY(mm::write(
        to, SemLimits{kMany, 32000, kMany, kMany, 32000, 500, 500, 40, ipc::kMostValue, ipc::kMostValue}));
    return semaphore_sets().lock()->highest_slot();
}

/// GETVAL and the like. Errors: EINVAL, EIDRM, EACCES.
SyscallResult look(int id, int number, int command) {
    Caller caller = Caller::current();
    auto sets = semaphore_sets().lock();
    Ref<SemaphoreSet> set = TRY(sets->find(id));
    TRY(check_access(*set, kReadBits, caller));
    if (number < 0 || static_cast<usize>(number) >= set->semaphores.size()) return fail(Errno::kEINVAL);
    const ipc::Semaphore& semaphore = set->semaphores[static_cast<usize>(number)];
    switch (command) {
        case kGetPid: return semaphore.last_pid;
        case kGetValue: return semaphore.value;
        case kGetWaitingForMore: return semaphore.waiting_for_more;
        default: return semaphore.waiting_for_zero;
    }
}

SyscallResult get_all(int id, Out<u16> to) {
    Caller caller = Caller::current();
    Vector<u16> values;
    {
        auto sets = semaphore_sets().lock();
        Ref<SemaphoreSet> set = TRY(sets->find(id));
        TRY(check_access(*set, kReadBits, caller));
        for (const ipc::Semaphore& semaphore : set->semaphores) TRY(values.push_back(semaphore.value));
    }
    TRY(mm::write_array(to, std::span<const u16>(values)));
    return 0;
}

/// Gives semaphores [first, first + values.size()) their values; what would have been undone is forgotten.
/// Errors: EINVAL, EIDRM, EACCES.
Result<void> assign(int id, int first, std::span<const u16> values, bool all) {
    Caller caller = Caller::current();
    auto sets = semaphore_sets().lock();
    Ref<SemaphoreSet> set = TRY(sets->find(id));
    TRY(check_access(*set, kWriteBits, caller));
    usize count = set->semaphores.size(), from = static_cast<usize>(first);
    if (first < 0 || from >= count || (all && values.size() != count)) return fail(Errno::kEINVAL);
    for (usize i = 0; i < values.size(); i++) {
        set->semaphores[from + i].value = values[i];
        set->semaphores[from + i].last_pid = caller.pid;
        for (ipc::Undo& undo : set->undos)
            if (undo.number == from + i) undo.change = 0;
    }
    set->change_time = caller.now;
    sets.unlock();
    set->changed.wake_all();
    return {};
}

Result<void> set_all(int id, In<u16> from) {
    usize count;
    {
        Caller caller = Caller::current();
        auto sets = semaphore_sets().lock();
        Ref<SemaphoreSet> set = TRY(sets->find(id));
        TRY(check_access(*set, kWriteBits, caller));
        count = set->semaphores.size();
    }
    Vector<u16> values;
    TRY(values.resize(count));
    TRY(mm::read_array(from, std::span<u16>(values.data(), count)));
    for (u16 value : values)
        if (value > ipc::kMostValue) return fail(Errno::kERANGE);
    return assign(id, 0, values, true);
}

Result<void> remove(int id) {
    Caller caller = Caller::current();
    Ref<SemaphoreSet> set, last;
    auto sets = semaphore_sets().lock();
    set = TRY(sets->find(id));
    TRY(check_owner(*set, caller));
    last = sets->remove(*set);
    sets.unlock();
    set->changed.wake_all();
    return {};
}

Result<void> change_owner(int id, In<SemDs> from) {
    SemDs wanted = TRY(mm::read(from));
    Caller caller = Caller::current();
    auto sets = semaphore_sets().lock();
    return set_owner(*TRY(sets->find(id)), wanted.perm, caller);
}

}  // namespace

SyscallResult sys_semget(int key, int count, int flags) {
    if (count < 0 || static_cast<u32>(count) > ipc::kMostSemaphores) return fail(Errno::kEINVAL);
    u32 wanted = static_cast<u32>(count);
    auto fits = [&](SemaphoreSet& set) {
        return wanted > set.semaphores.size() ? Result<void>(fail(Errno::kEINVAL)) : Result<void>();
    };
    return TRY(ipc::get(
        semaphore_sets(), key, static_cast<u32>(flags), Caller::current(),
        [&] { return SemaphoreSet::create(wanted); }, fits));
}

SyscallResult sys_semop(int id, In<SemBuf> operations, usize count) {
    return operate(id, operations, count, sched::kForever);
}

SyscallResult sys_semtimedop(int id, In<SemBuf> operations, usize count, In<TimeSpec> timeout) {
    u64 deadline = timeout.is_null() ? sched::kForever : TRY(deadline_in(TRY(mm::read(timeout))));
    return operate(id, operations, count, deadline);
}

SyscallResult sys_semctl(int id, int number, int command, u64 argument) {
    if (id < 0) return fail(Errno::kEINVAL);
    const UserAddr at(argument);
    auto zero = [](Result<void> result) -> SyscallResult {
        TRY(result);
        return 0;
    };
    switch (command) {
        case kIpcInfo:
        case kSemInfo: return limits(Out<SemLimits>(at));
        case kIpcStat:
        case kStatAt:
        case kStatAny: return status(id, command, Out<SemDs>(at));
        case kGetPid:
        case kGetValue:
        case kGetWaitingForMore:
        case kGetWaitingForZero: return look(id, number, command);
        case kGetAll: return get_all(id, Out<u16>(at));
        case kSetAll: return zero(set_all(id, In<u16>(at)));
        case kSetValue: {
            int value = static_cast<int>(argument);
            if (value < 0 || value > ipc::kMostValue) return fail(Errno::kERANGE);
            u16 one = static_cast<u16>(value);
            return zero(assign(id, number, {&one, 1}, false));
        }
        case kIpcRemove: return zero(remove(id));
        case kIpcSet: return zero(change_owner(id, In<SemDs>(at)));
        default: return fail(Errno::kEINVAL);
    }
}

}  // namespace astra::syscalls
