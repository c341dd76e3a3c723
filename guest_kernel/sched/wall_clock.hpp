// Setting the wall clock, and whoever has to know.
#pragma once
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/sched/wait_queue.hpp"

namespace astra::sched {

/// Sets the wall clock to `wall_ns`: sleepers and timers that wait for a time of day wait for that time
/// still. Process context, no lock held. Errors: EINVAL when it would have been before 1970 as the system
/// started.
Result<void> set_wall_clock(u64 wall_ns);
/// Sleeps until the wall clock shows `wall_ns`, however it is set meanwhile. Errors: kRestartSys.
Result<void> sleep_until_wall(u64 wall_ns);

/// Is told whenever the wall clock was set.
struct WallClockWatcher {
    ListNode node;
    void (*clock_was_set)(WallClockWatcher&) = nullptr;  // under a spin lock of rank FileRegistry
};
void watch_wall_clock(WallClockWatcher& watcher);
/// When it returns, the watcher is not being told and will not be. No effect on one that does not watch.
void unwatch_wall_clock(WallClockWatcher& watcher);

}  // namespace astra::sched
