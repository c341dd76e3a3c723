// Scheduling: yielding, affinity, policies.
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/sched/scheduler.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

constexpr int kResetOnFork = 0x40000000;  // SCHED_RESET_ON_FORK
constexpr usize kMaskSize = sizeof(u64);

struct PolicyRange {
    int policy, least, most;
};
constexpr PolicyRange kPolicies[] = {
    {0, 0, 0},   // SCHED_OTHER
    {1, 1, 99},  // SCHED_FIFO
    {2, 1, 99},  // SCHED_RR
    {3, 0, 0},   // SCHED_BATCH
    {5, 0, 0},   // SCHED_IDLE
};

Result<PolicyRange> range_of(int policy) {
    for (const PolicyRange& range : kPolicies)
        if (range.policy == policy) return range;
    return fail(Errno::kEINVAL);
}

// The thread with id `tid`, 0 meaning the caller. Errors: EINVAL, ESRCH.
Result<Ref<sched::Thread>> named_thread(int tid) {
    if (tid < 0) return fail(Errno::kEINVAL);
    Ref<sched::Thread> thread = tid ? sched::find_thread(tid) : Ref<sched::Thread>(sched::current());
    return thread ? Result<Ref<sched::Thread>>(std::move(thread)) : fail(Errno::kESRCH);
}

Result<void> may_change(sched::Thread& thread) {
    sched::Credentials mine = sched::current_process().credentials(), its = thread.process().credentials();
    bool allowed = mine.is_privileged() || mine.euid == its.uid || mine.euid == its.euid;
    return allowed ? Result<void>{} : fail(Errno::kEPERM);
}

Result<void> set_policy(sched::Thread& thread, int policy, int priority) {
    PolicyRange range = TRY(range_of(policy & ~kResetOnFork));
    if (priority < range.least || priority > range.most) return fail(Errno::kEINVAL);
    TRY(may_change(thread));
    bool privileged = sched::current_process().credentials().is_privileged();
    if (!privileged && static_cast<u64>(priority) > thread.process().limit(sched::kLimitRtPriority))
        return fail(Errno::kEPERM);
    thread.policy = {policy, priority};
    return {};
}

}  // namespace

SyscallResult sys_sched_yield() {
    sched::yield();
    return 0;
}

SyscallResult sys_sched_setaffinity(int pid, usize size, In<u8> mask) {
    u64 wanted = 0;
    TRY(mm::copy_in({reinterpret_cast<u8*>(&wanted), size < kMaskSize ? size : kMaskSize}, mask.address()));
    Ref<sched::Thread> thread = TRY(named_thread(pid));
    TRY(may_change(*thread));
    u64 online = (u64{1} << arch::cpus_online()) - 1;
    if (!(wanted & online)) return fail(Errno::kEINVAL);
    thread->affinity = wanted & online;
    sched::apply_affinity(*thread);
    return 0;
}

SyscallResult sys_sched_getaffinity(int pid, usize size, Out<u8> mask) {
    if (size < kMaskSize || size % kMaskSize) return fail(Errno::kEINVAL);
    Ref<sched::Thread> thread = TRY(named_thread(pid));
    u64 online = (u64{1} << arch::cpus_online()) - 1;
    u64 allowed = thread->affinity & online;
    TRY(mm::copy_out(mask.address(), {reinterpret_cast<const u8*>(&allowed), kMaskSize}));
    return kMaskSize;
}

SyscallResult sys_sched_setscheduler(int pid, int policy, In<SchedParam> param) {
    if (policy < 0) return fail(Errno::kEINVAL);
    SchedParam wanted = TRY(mm::read(param));
    TRY(set_policy(*TRY(named_thread(pid)), policy, wanted.priority));
    return 0;
}

SyscallResult sys_sched_getscheduler(int pid) { return TRY(named_thread(pid))->policy.policy; }

SyscallResult sys_sched_setparam(int pid, In<SchedParam> param) {
    SchedParam wanted = TRY(mm::read(param));
    Ref<sched::Thread> thread = TRY(named_thread(pid));
    TRY(set_policy(*thread, thread->policy.policy, wanted.priority));
    return 0;
}

SyscallResult sys_sched_getparam(int pid, Out<SchedParam> param) {
    if (param.is_null()) return fail(Errno::kEINVAL);
    TRY(mm::write(param, SchedParam{TRY(named_thread(pid))->policy.priority}));
    return 0;
}

SyscallResult sys_sched_get_priority_max(int policy) { return TRY(range_of(policy)).most; }
SyscallResult sys_sched_get_priority_min(int policy) { return TRY(range_of(policy)).least; }

SyscallResult sys_getcpu(Out<u32> cpu, Out<u32> node, u64) {
    TRY(mm::write_if(cpu, arch::cpu_index()));
    TRY(mm::write_if(node, u32{0}));
    return 0;
}

}  // namespace astra::syscalls
