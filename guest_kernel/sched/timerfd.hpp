// Timers as descriptors (timerfd_create(2)).
#pragma once
#include "guest_kernel/fs/file.hpp"
#include "guest_kernel/sched/process_timers.hpp"

namespace astra::sched {

/// How a timerfd is armed. Times in nanoseconds.
struct TimerFdSetting {
    u64 value_ns = 0;     // from now, or (absolute) what the clock will show; 0: disarms
    u64 interval_ns = 0;  // 0: once
    bool absolute = false;
    bool cancel_on_set = false;  // TFD_TIMER_CANCEL_ON_SET, for absolute times of the wall clock
};

/// A timer on the wall clock or the monotonic one. `flags`: O_NONBLOCK. Errors: ENOMEM.
Result<Ref<fs::File>> make_timerfd(bool wall, u32 flags);
/// Arms it; returns what it was. Errors: EINVAL when `file` is no timerfd, ECANCELED when the wall clock was
/// set since it was armed with cancel_on_set (it is armed all the same).
Result<TimerValue> set_timerfd(fs::File& file, const TimerFdSetting& setting);
/// Time left and period. Errors: EINVAL when `file` is no timerfd.
Result<TimerValue> timerfd_value(fs::File& file);

}  // namespace astra::sched
