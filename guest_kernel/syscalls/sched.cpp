// Scheduling: yielding, affinity, policies.
#include <algorithm>

#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/sched/scheduler.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

constexpr int kResetOnFork = 0x40000000;  // SCHED_RESET_ON_FORK
constexpr int kMostRealTime = 99;
constexpr int kDeadline = 6;  // SCHED_DEADLINE
constexpr int kLeastNice = -20, kMostNice = 19;
/// sched_setattr(2)'s flags.
enum AttrFlag : u64 {
    kAttrResetOnFork = 1,
    kAttrKeepPolicy = 8,
    kAttrKeepParams = 0x10,
    kAttrClamps = 0x60,
    kAttrKnown = 0x7f
};
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

bool owns(sched::Thread& thread) {
    sched::Credentials mine = sched::current_process().credentials(), its = thread.process().credentials();
    return mine.euid == its.uid || mine.euid == its.euid;
}

bool may_set_nice() { return sched::current_process().credentials().can(sched::kCapSysNice); }

Result<void> may_change(sched::Thread& thread) {
    return may_set_nice() || owns(thread) ? Result<void>{} : fail(Errno::kEPERM);
}

// sched(7), "Privileges and resource limits".
Result<void> set_policy(sched::Thread& thread, const sched::SchedPolicy& wanted) {
    PolicyRange range = TRY(range_of(wanted.policy));
    if (wanted.priority < range.least || wanted.priority > range.most) return fail(Errno::kEINVAL);
    const sched::SchedPolicy& old = thread.policy;
    auto limit =
        static_cast<i32>(std::min<u64>(thread.process().limit(sched::kLimitRtPriority), kMostRealTime));
    bool higher = wanted.priority > old.priority && wanted.priority > limit;
    bool newly_real_time = wanted.priority > 0 && wanted.policy != old.policy && limit == 0;
    bool clears_reset = old.reset_on_fork && !wanted.reset_on_fork;
    if (!may_set_nice() && (!owns(thread) || higher || newly_real_time || clears_reset))
        return fail(Errno::kEPERM);
    thread.policy = wanted;
    return {};
}

// Reads a struct that may be longer than this kernel's, if the rest is zero; its first word is its length.
// Errors: E2BIG, after telling how much is known; EFAULT.
Result<SchedAttr> read_attributes(InOut<SchedAttr> from) {
    constexpr u32 kFirstVersion = 48;
    InOut<u32> length(from.address());
    u32 size = TRY(mm::read(length));
    if (!size) size = kFirstVersion;
    SchedAttr known{};
    auto too_big = [&]() -> Result<SchedAttr> {
        TRY(mm::write(length, u32{sizeof(SchedAttr)}));
        return fail(Errno::kE2BIG);
    };
    if (size < kFirstVersion || size > kPageSize) return too_big();
    usize common = size < sizeof known ? size : sizeof known;
    TRY(mm::copy_in({reinterpret_cast<u8*>(&known), common}, from.address()));
    for (usize at = common; at < size; at++)
        if (TRY(mm::read(In<u8>(from.address() + at)))) return too_big();
    return known;
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
    if (policy < 0 || pid < 0 || param.is_null()) return fail(Errno::kEINVAL);
    SchedParam wanted = TRY(mm::read(param));
    bool reset = policy & kResetOnFork;
    TRY(set_policy(*TRY(named_thread(pid)), {policy & ~kResetOnFork, wanted.priority, reset}));
    return 0;
}

SyscallResult sys_sched_getscheduler(int pid) {
    sched::SchedPolicy policy = TRY(named_thread(pid))->policy;
    return policy.policy | (policy.reset_on_fork ? kResetOnFork : 0);
}

SyscallResult sys_sched_setparam(int pid, In<SchedParam> param) {
    if (pid < 0 || param.is_null()) return fail(Errno::kEINVAL);
    SchedParam wanted = TRY(mm::read(param));
    Ref<sched::Thread> thread = TRY(named_thread(pid));
    TRY(set_policy(*thread, {thread->policy.policy, wanted.priority, thread->policy.reset_on_fork}));
    return 0;
}

SyscallResult sys_sched_getparam(int pid, Out<SchedParam> param) {
    if (param.is_null()) return fail(Errno::kEINVAL);
    TRY(mm::write(param, SchedParam{TRY(named_thread(pid))->policy.priority}));
    return 0;
}

SyscallResult sys_sched_get_priority_max(int policy) { return TRY(range_of(policy)).most; }
SyscallResult sys_sched_get_priority_min(int policy) { return TRY(range_of(policy)).least; }

SyscallResult sys_sched_rr_get_interval(int pid, Out<TimeSpec> interval) {
    constexpr int kFifo = 1;  // has no time slice
    sched::SchedPolicy policy = TRY(named_thread(pid))->policy;
    TRY(mm::write(interval, sched::to_timespec(policy.policy == kFifo ? 0 : sched::kSliceNs)));
    return 0;
}

SyscallResult sys_sched_setattr(int pid, InOut<SchedAttr> attr, u32 flags) {
    if (attr.is_null() || pid < 0 || flags) return fail(Errno::kEINVAL);
    SchedAttr wanted = TRY(read_attributes(attr));
    if (static_cast<i32>(wanted.policy) < 0 || wanted.flags & ~u64{kAttrKnown}) return fail(Errno::kEINVAL);
    Ref<sched::Thread> thread = TRY(named_thread(pid));
    sched::SchedPolicy policy{static_cast<i32>(wanted.policy), static_cast<i32>(wanted.priority),
                              (wanted.flags & kAttrResetOnFork) != 0};
    if (wanted.flags & kAttrKeepPolicy) policy.policy = thread->policy.policy;
    if (wanted.flags & kAttrKeepParams) policy.priority = thread->policy.priority;
    if (wanted.flags & kAttrClamps) return fail(Errno::kENOTSUP);
    if (policy.policy == kDeadline) return fail(Errno::kEBUSY);  // no bandwidth is set aside for deadlines
    TRY(set_policy(*thread, policy));
    if (policy.priority || wanted.flags & kAttrKeepParams) return 0;
    sched::Process& process = thread->process();
    int nice = std::clamp(wanted.nice, kLeastNice, kMostNice);
    i64 floor = 20 - static_cast<i64>(process.limit(sched::kLimitNice));
    if (nice < process.nice && nice < floor && !may_set_nice()) return fail(Errno::kEPERM);
    process.nice = nice;
    return 0;
}

SyscallResult sys_sched_getattr(int pid, Out<u8> attr, u32 size, u32 flags) {
    constexpr u32 kFirstVersion = 48;
    if (attr.is_null() || pid < 0 || size < kFirstVersion || size > kPageSize || flags)
        return fail(Errno::kEINVAL);
    Ref<sched::Thread> thread = TRY(named_thread(pid));
    SchedAttr now{};
    now.size = size < sizeof now ? size : u32{sizeof now};
    now.policy = static_cast<u32>(thread->policy.policy);
    now.flags = thread->policy.reset_on_fork ? u64{kAttrResetOnFork} : 0;
    now.priority = static_cast<u32>(thread->policy.priority);
    if (!now.priority) now.nice = thread->process().nice;
    now.util_max = 1024;  // nothing clamps it
    TRY(mm::copy_out(attr.address(), {reinterpret_cast<const u8*>(&now), now.size}));
    return 0;
}

// What a barrier on every CPU that runs the process is: flushing the TLB there, which interrupts them.
SyscallResult sys_membarrier(int command, u32 flags, int) {
    enum : int { kQuery = 0, kSupported = 0x7f, kPrivateExpedited = 8, kPrivateSyncCore = 0x20 };
    enum : int {
        kRegisterPrivate = 0x10,
        kRegisterSyncCore = 0x40,
        kGlobal = 1,
        kGlobalExpedited = 2,
        kRegisterGlobal = 4
    };
    if (flags) return fail(Errno::kEINVAL);
    sched::Process& process = sched::current_process();
    switch (command) {
        case kQuery: return kSupported;
        case kRegisterGlobal:
        case kRegisterPrivate:
        case kRegisterSyncCore: process.barriers |= static_cast<u32>(command); return 0;
        case kPrivateExpedited:
        case kPrivateSyncCore:  // each needs its own registration, the next higher bit
            if (!(process.barriers & static_cast<u32>(command) << 1)) return fail(Errno::kEPERM);
            [[fallthrough]];
        case kGlobal:
        case kGlobalExpedited: sched::barrier_on_other_cpus(); return 0;
        default: return fail(Errno::kEINVAL);
    }
}

SyscallResult sys_getcpu(Out<u32> cpu, Out<u32> node, u64) {
    TRY(mm::write_if(cpu, arch::cpu_index()));
    TRY(mm::write_if(node, u32{0}));
    return 0;
}

}  // namespace astra::syscalls
