// timerfd_create, timerfd_settime, timerfd_gettime.
#include "guest_kernel/sched/timerfd.hpp"

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

enum : int { kAbsoluteTime = 1, kCancelOnSet = 2 };  // TFD_TIMER_*

ITimerSpec to_itimerspec(const sched::TimerValue& value) {
    return {sched::to_timespec(value.interval_ns), sched::to_timespec(value.left_ns)};
}

bool wakes_the_machine(int clock) {
    return clock == sched::kClockRealtimeAlarm || clock == sched::kClockBoottimeAlarm;
}

}  // namespace

SyscallResult sys_timerfd_create(int clock, int flags) {
    constexpr u32 kAllowed = fs::kOCloseOnExec | fs::kONonblock;
    auto bits = static_cast<u32>(flags);
    if (bits & ~kAllowed || !sched::is_timer_clock(clock) || clock == sched::kClockTai)
        return fail(Errno::kEINVAL);
    sched::Process& process = sched::current_process();
    if (wakes_the_machine(clock) && !process.credentials().can(sched::kCapWakeAlarm))
        return fail(Errno::kEPERM);
    Ref<fs::File> file = TRY(sched::make_timerfd(sched::is_wall_clock(clock), bits));
    return TRY(
        process.fds().install(std::move(file), bits & fs::kOCloseOnExec, process.limit(sched::kLimitFiles)));
}

SyscallResult sys_timerfd_settime(int fd, int flags, In<ITimerSpec> value, Out<ITimerSpec> old) {
    ITimerSpec wanted = TRY(mm::read(value));
    if (flags & ~(kAbsoluteTime | kCancelOnSet)) return fail(Errno::kEINVAL);
    sched::TimerFdSetting setting{.value_ns = TRY(sched::to_ns(wanted.value)),
                                  .interval_ns = TRY(sched::to_ns(wanted.interval)),
                                  .absolute = (flags & kAbsoluteTime) != 0,
                                  .cancel_on_set = (flags & kCancelOnSet) != 0};
    Ref<fs::File> file = TRY(sched::current_process().fds().get(fd));
    sched::TimerValue previous = TRY(sched::set_timerfd(*file, setting));
    TRY(mm::write_if(old, to_itimerspec(previous)));
    return 0;
}

SyscallResult sys_timerfd_gettime(int fd, Out<ITimerSpec> value) {
    Ref<fs::File> file = TRY(sched::current_process().fds().get(fd));
    TRY(mm::write(value, to_itimerspec(TRY(sched::timerfd_value(*file)))));
    return 0;
}

}  // namespace astra::syscalls
