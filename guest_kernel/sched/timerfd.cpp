// timerfd_create(2). A timer that expired is not armed again before its expiries were read, when those missed
// meanwhile are counted: so a short period cannot swamp a CPU.
#include "guest_kernel/sched/timerfd.hpp"

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/scheduler.hpp"
#include "guest_kernel/sched/wall_clock.hpp"

namespace astra::sched {

namespace {

class TimerFd final : public fs::File, private TimerEvent, private WallClockWatcher {
  public:
    TimerFd(bool wall, u32 how) : wall_(wall) {
        flags = fs::kOReadWrite | (how & fs::kONonblock);
        fire = [](TimerEvent& event) { static_cast<TimerFd&>(event).expire(); };
        clock_was_set = [](WallClockWatcher& watcher) { static_cast<TimerFd&>(watcher).cancel_timer(); };
    }
    ~TimerFd() override {
        unwatch_wall_clock(*this);
        cancel(*this);
    }

    [[nodiscard]] fs::FileKind kind() const override { return fs::FileKind::TimerFd; }

    Result<usize> read(fs::Buffer& to, i64*) override {
        if (to.remaining() < sizeof(u64)) return fail(Errno::kEINVAL);
        for (;;) {
            u64 expiries = TRY(take_expiries());
            if (expiries) return to.put({reinterpret_cast<const u8*>(&expiries), sizeof expiries});
            if (nonblocking()) return fail(Errno::kEAGAIN);
            TRY(queue_.wait([this] { return readable_now(); }));
        }
    }

    u32 poll(WaitQueue** queue) override {
        if (queue) *queue = &queue_;
        return readable_now() ? fs::kPollReadable : 0;
    }

    Result<String> describe() override { return String::from("anon_inode:[timerfd]"); }

    Result<TimerValue> set(const TimerFdSetting& setting) {
        cancel(*this);
        bool watch = setting.cancel_on_set && setting.absolute && wall_;
        if (watch)
            watch_wall_clock(*this);
        else
            unwatch_wall_clock(*this);
        auto state = state_.lock();
        TimerValue old = value(*state);
        bool was_canceled = watch && state->canceled;
        *state = State{};
        state->interval_ns = setting.interval_ns;
        state->follows_wall = wall_ && setting.absolute;
        if (setting.value_ns) {
            state->expiry_ns = setting.absolute ? setting.value_ns : deadline_after(setting.value_ns);
            start(*state);
        }
        return was_canceled ? Result<TimerValue>(fail(Errno::kECANCELED)) : old;
    }

    TimerValue value_now() {
        auto state = state_.lock();
        return value(*state);
    }

  private:
    struct State {
        u64 expiry_ns = 0;  // on the clock it follows; 0: not armed
        u64 interval_ns = 0;
        u64 expiries = 0;      // not read yet
        bool expired = false;  // the next period has not started
        bool follows_wall = false;
        bool canceled = false;
    };

    static u64 now(const State& state) { return state.follows_wall ? wall_now_ns() : arch::now_ns(); }

    void start(const State& state) {
        u64 deadline = state.follows_wall ? deadline_at(kClockRealtime, state.expiry_ns) : state.expiry_ns;
        arm(*this, deadline, state.follows_wall);
    }

    // Interrupt context.
    void expire() {
        {
            auto state = state_.lock();
            if (!state->expiry_ns || state->expired) return;  // set anew meanwhile
            if (now(*state) < state->expiry_ns) return start(*state);
            state->expired = true;
            state->expiries++;
        }
        queue_.wake_all(fs::kPollReadable);
    }

    // The wall clock was set, and the timer is to tell.
    void cancel_timer() {
        {
            auto state = state_.lock();
            state->canceled = true;
        }
        queue_.wake_all(fs::kPollReadable);
    }

    // Counts the periods that passed since it expired, and starts the next one. State locked.
    void start_next_period(State& state) {
        if (!state.expired) return;
        state.expired = false;
        if (!state.interval_ns) {
            state.expiry_ns = 0;
            return;
        }
        u64 missed = (now(state) - state.expiry_ns) / state.interval_ns;
        state.expiries += missed;
        state.expiry_ns += (missed + 1) * state.interval_ns;
        start(state);
    }

    Result<u64> take_expiries() {
        auto state = state_.lock();
        if (state->canceled) {
            state->canceled = state->expired = false;
            state->expiries = 0;
            return fail(Errno::kECANCELED);
        }
        start_next_period(*state);
        return std::exchange(state->expiries, 0);
    }

    bool readable_now() {
        auto state = state_.lock();
        return state->expiries || state->canceled;
    }

    TimerValue value(State& state) {
        start_next_period(state);
        u64 time = now(state);
        return {state.expiry_ns > time ? state.expiry_ns - time : 0, state.interval_ns};
    }

    const bool wall_;
    SpinLocked<State, Rank::EventFd> state_;
    WaitQueue queue_;
};

Result<TimerFd*> as_timerfd(fs::File& file) {
    if (file.kind() != fs::FileKind::TimerFd) return fail(Errno::kEINVAL);
    return static_cast<TimerFd*>(&file);
}

}  // namespace

Result<Ref<fs::File>> make_timerfd(bool wall, u32 flags) {
    return Ref<fs::File>(TRY(make_ref<TimerFd>(wall, flags)));
}

Result<TimerValue> set_timerfd(fs::File& file, const TimerFdSetting& setting) {
    return TRY(as_timerfd(file))->set(setting);
}

Result<TimerValue> timerfd_value(fs::File& file) { return TRY(as_timerfd(file))->value_now(); }

}  // namespace astra::sched
