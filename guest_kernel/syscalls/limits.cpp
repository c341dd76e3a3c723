// Resource limits, usage and priorities.
#include <algorithm>

#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

constexpr u64 kMostFiles = 1 << 20;  // fs.nr_open
/// getrusage(2)'s `who`.
enum : int { kUsageSelf = 0, kUsageChildren = -1, kUsageThread = 1 };
/// getpriority(2)'s `which`.
enum : int { kPriorityProcess, kPriorityGroup, kPriorityUser };
constexpr int kLeastNice = -20, kMostNice = 19;

void tell_address_space(sched::Process& process) {
    Ref<mm::AddressSpace> space = process.space_ref();
    if (space)
        space->set_limits({.address_space = process.limit(sched::kLimitAddressSpace),
                           .data = process.limit(sched::kLimitData),
                           .stack = process.limit(sched::kLimitStack)});
}

// Reads and, when `fresh` is given, changes a limit. Errors: EINVAL, EPERM.
Result<RLimit> exchange_limit(sched::Process& process, int resource, const RLimit* fresh) {
    if (resource < 0 || resource >= sched::kLimits) return fail(Errno::kEINVAL);
    bool privileged = sched::current_process().credentials().can(sched::kCapSysResource);
    RLimit old;
    {
        auto signals = process.signals.lock();
        RLimit& limit = signals->limits[resource];
        old = limit;
        if (!fresh) return old;
        if (fresh->current > fresh->maximum) return fail(Errno::kEINVAL);
        if (fresh->maximum > limit.maximum && !privileged) return fail(Errno::kEPERM);
        if (resource == sched::kLimitFiles && fresh->maximum > kMostFiles) return fail(Errno::kEPERM);
        limit = *fresh;
    }
    tell_address_space(process);
    if (resource == sched::kLimitCpu) TRY(sched::watch_cpu_limit(process));
    return old;
}

// prlimit(2): another process's limits need its identity, or privilege.
bool may_limit(sched::Process& target) {
    sched::Process& caller = sched::current_process();
    if (&target == &caller) return true;
    sched::Credentials mine = caller.credentials(), its = target.credentials();
    if (mine.can(sched::kCapSysResource)) return true;
    return mine.uid == its.uid && mine.uid == its.euid && mine.uid == its.suid && mine.gid == its.gid &&
           mine.gid == its.egid && mine.gid == its.sgid;
}

bool is_meant(sched::Process& process, int which, int who) {
    sched::Process& caller = sched::current_process();
    switch (which) {
        case kPriorityProcess: return process.pid() == (who ? who : caller.pid());
        case kPriorityGroup: return process.pgid == (who ? who : caller.pgid);
        default: return process.credentials().uid == (who ? static_cast<u32>(who) : caller.credentials().uid);
    }
}

// Runs `body` for every process that `which` and `who` name. Errors: EINVAL.
template <class Body>
Result<void> for_each_meant(int which, int who, Body&& body) {
    if (which < kPriorityProcess || which > kPriorityUser) return fail(Errno::kEINVAL);
    auto tree = sched::tree().lock();
    for (sched::Process& process : tree->all)
        if (is_meant(process, which, who)) body(process);
    return {};
}

// Lowering a nice value below what RLIMIT_NICE allows needs privilege; changing others' needs their identity.
Result<void> set_nice(sched::Process& process, int nice) {
    sched::Credentials mine = sched::current_process().credentials(), its = process.credentials();
    bool privileged = mine.can(sched::kCapSysNice);
    if (!privileged && mine.euid != its.uid && mine.euid != its.euid) return fail(Errno::kEPERM);
    i64 floor = 20 - static_cast<i64>(process.limit(sched::kLimitNice));
    if (!privileged && nice < process.nice && nice < floor) return fail(Errno::kEACCES);
    process.nice = nice;
    return {};
}

}  // namespace

SyscallResult sys_getrlimit(int resource, Out<RLimit> rlim) {
    TRY(mm::write(rlim, TRY(exchange_limit(sched::current_process(), resource, nullptr))));
    return 0;
}

SyscallResult sys_setrlimit(int resource, In<RLimit> rlim) {
    RLimit wanted = TRY(mm::read(rlim));
    TRY(exchange_limit(sched::current_process(), resource, &wanted));
    return 0;
}

SyscallResult sys_prlimit64(int pid, int resource, In<RLimit> new_limit, Out<RLimit> old_limit) {
    RLimit wanted{};
    if (!new_limit.is_null()) wanted = TRY(mm::read(new_limit));
    Ref<sched::Process> process =
        pid ? sched::find_process(pid) : Ref<sched::Process>(sched::current_process());
    if (!process) return fail(Errno::kESRCH);
    if (!may_limit(*process)) return fail(Errno::kEPERM);
    RLimit old = TRY(exchange_limit(*process, resource, new_limit.is_null() ? nullptr : &wanted));
    TRY(mm::write_if(old_limit, old));
    return 0;
}

SyscallResult sys_getrusage(int who, Out<RUsage> usage) {
    sched::Process& process = sched::current_process();
    RUsage result{};
    switch (who) {
        case kUsageSelf: result = process.resource_usage(); break;
        case kUsageChildren:
            result = sched::tree().with([&](sched::ProcessTree&) { return process.children_usage; });
            break;
        case kUsageThread: result = sched::thread_usage(sched::current()); break;
        default: return fail(Errno::kEINVAL);
    }
    TRY(mm::write(usage, result));
    return 0;
}

SyscallResult sys_getpriority(int which, int who) {
    int best = -1;
    TRY(for_each_meant(which, who, [&](sched::Process& process) {
        if (20 - process.nice > best) best = 20 - process.nice;
    }));
    return best < 0 ? SyscallResult(fail(Errno::kESRCH)) : best;
}

SyscallResult sys_setpriority(int which, int who, int priority) {
    int nice = std::clamp(priority, kLeastNice, kMostNice);
    bool found = false;
    Errno error{};
    TRY(for_each_meant(which, who, [&](sched::Process& process) {
        found = true;
        if (Result<void> set = set_nice(process, nice); !set) error = set.error();
    }));
    if (!found) return fail(Errno::kESRCH);
    return error == Errno{} ? SyscallResult(0) : fail(error);
}

// There are no disks whose requests could be ordered: the value is kept and inherited. Classes: none, real
// time, best effort, idle; below them a level of 0 to 7.
SyscallResult sys_ioprio_set(int which, int who, int priority) {
    enum { kNone, kRealTime, kBestEffort, kIdle };
    int io_class = priority >> 13 & 7, level = priority & 7;
    sched::Credentials mine = sched::current_process().credentials();
    if (io_class > kIdle || (io_class == kNone && level)) return fail(Errno::kEINVAL);
    bool may_real_time = mine.can(sched::kCapSysAdmin) || mine.can(sched::kCapSysNice);
    if (io_class == kRealTime && !may_real_time) return fail(Errno::kEPERM);
    bool found = false, refused = false;
    TRY(for_each_meant(which - 1, who, [&](sched::Process& process) {
        found = true;
        sched::Credentials its = process.credentials();
        bool allowed = mine.can(sched::kCapSysNice) || its.uid == mine.euid || its.uid == mine.uid;
        if (allowed)
            process.io_priority = priority;
        else
            refused = true;
    }));
    if (!found) return fail(Errno::kESRCH);
    return refused ? fail(Errno::kEPERM) : SyscallResult(0);
}

SyscallResult sys_ioprio_get(int which, int who) {
    int best = -1;
    // The higher class is the lower number, but none at all is the lowest.
    auto rank = [](int priority) { return priority ? priority : 1 << 15; };
    TRY(for_each_meant(which - 1, who, [&](sched::Process& process) {
        if (best < 0 || rank(process.io_priority) < rank(best)) best = process.io_priority;
    }));
    return best < 0 ? SyscallResult(fail(Errno::kESRCH)) : best;
}

}  // namespace astra::syscalls
