// Setting the wall clock.
#include "guest_kernel/sched/wall_clock.hpp"

#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

constinit std::atomic<u64> g_times_set{0};
WaitQueue g_sleepers;
SpinLocked<List<WallClockWatcher, &WallClockWatcher::node>, Rank::FileRegistry> g_watchers;

// Timer events can only be moved by their own CPU, which has to set its timer: so go to each.
void visit_every_cpu(i64 shift_ns) {
    Thread& thread = current();
    u64 affinity = thread.affinity;
    for (u32 cpu = 0; cpu < arch::kMaxCpus; cpu++) {
        if (!(online_mask() >> cpu & 1)) continue;
        thread.affinity = u64{1} << cpu;
        apply_affinity(thread);
        shift_wall_timers(shift_ns);
    }
    thread.affinity = affinity;
}

}  // namespace

Result<void> set_wall_clock(u64 wall_ns) {
    u64 now = arch::now_ns();
    if (wall_ns < now) return fail(Errno::kEINVAL);
    u64 old = wall_offset_ns(), fresh = wall_ns - now;
    set_wall_offset_ns(fresh);
    visit_every_cpu(static_cast<i64>(old - fresh));
    g_times_set++;
    g_sleepers.wake_all();
    auto watchers = g_watchers.lock();
    for (WallClockWatcher& watcher : *watchers) watcher.clock_was_set(watcher);
    return {};
}

Result<void> sleep_until_wall(u64 wall_ns) {
    for (;;) {
        u64 times_set = g_times_set;
        if (wall_now_ns() >= wall_ns) return {};
        u64 deadline = deadline_at(kClockRealtime, wall_ns);
        Result<void> slept =
            g_sleepers.wait([&] { return g_times_set != times_set; }, Sleep::Interruptible, deadline);
        if (!slept && slept.error() != Errno::kETIMEDOUT) return slept;
    }
}

void watch_wall_clock(WallClockWatcher& watcher) {
    auto watchers = g_watchers.lock();
    if (!watcher.node.linked()) watchers->push_back(watcher);
}

void unwatch_wall_clock(WallClockWatcher& watcher) {
    auto watchers = g_watchers.lock();
    if (watcher.node.linked()) watchers->remove(watcher);
}

}  // namespace astra::sched
