// What the files about a process gather first, each under the lock that guards it.
#pragma once
#include "guest_kernel/fs/procfs/table.hpp"

namespace astra::fs::procfs {

struct Task {
    Ref<sched::Process> process;
    Ref<sched::Thread> thread;  // the one meant, or the leader; null for a zombie
    bool is_thread = false, zombie = false;
    int ppid = 0, pgid = 0, sid = 0;
    Ref<RefCounted> terminal;
    abi::RUsage children{};

    /// proc(5)'s state letter.
    [[nodiscard]] char state() const;
    [[nodiscard]] const char* name() const;
};
/// Errors: ENOENT when it is gone.
Result<Task> find_task(const Subject& subject);

struct SignalFacts {
    sched::SignalMask own, shared, blocked, ignored, caught;
    u32 threads, queued;
    u64 queue_limit;
};
SignalFacts signals_of(const Task& task);

}  // namespace astra::fs::procfs
