// Fakes for device tests: a clock the test turns, timers that fire as it turns, an interrupt line and a byte
// stream that remember.
#pragma once
#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "vmm/devices/device.hpp"
#include "vmm/devices/host_stream.hpp"

namespace astra::vmm::test {

/// Clock and timers in one: advance() moves both clocks and calls each timer at its deadline.
class FakeTime final : public Clock {
  public:
    explicit FakeTime(u64 wall_ns = 1'700'000'000'000'000'000) : wall_(wall_ns) {}
    [[nodiscard]] u64 now_ns() const override { return now_; }
    [[nodiscard]] u64 wall_ns() const override { return wall_; }
    void set_wall_ns(u64 wall) { wall_ = wall; }

    [[nodiscard]] TimerFactory factory() {
        return [this](std::function<void()> callback) {
            return std::make_unique<FakeTimer>(*this, std::move(callback));
        };
    }

    void advance(u64 ns) {
        u64 end = now_ + ns;
        while (FakeTimer* next = earliest(end)) {
            move_to(std::max(now_, next->deadline));
            next->armed = false;
            ++fired;
            next->callback();
        }
        move_to(end);
    }
    /// The host was busy: time passes and no timer fires until the next advance().
    void stall(u64 ns) { move_to(now_ + ns); }
    [[nodiscard]] bool any_armed() const {
        return std::ranges::any_of(timers_, [](const FakeTimer* timer) { return timer->armed; });
    }
    u64 fired = 0;

  private:
    struct FakeTimer final : Timer {
        FakeTimer(FakeTime& owner, std::function<void()> f) : time(owner), callback(std::move(f)) {
            time.timers_.push_back(this);
        }
        ~FakeTimer() override { std::erase(time.timers_, this); }
        void arm(u64 at) override { deadline = at, armed = true; }
        void disarm() override { armed = false; }
        FakeTime& time;
        std::function<void()> callback;
        u64 deadline = 0;
        bool armed = false;
    };

    FakeTimer* earliest(u64 end) {
        FakeTimer* best = nullptr;
        for (FakeTimer* timer : timers_)
            if (timer->armed && timer->deadline <= end && (!best || timer->deadline < best->deadline))
                best = timer;
        return best;
    }
    void move_to(u64 now) {
        wall_ += now - now_;
        now_ = now;
    }

    u64 now_ = 1'000'000'000;  // not zero: a device may not take the clock's origin for its own
    u64 wall_;
    std::vector<FakeTimer*> timers_;
};

struct FakeIrq final : IrqLine {
    void set(bool to) override {
        if (to && !level) ++rises;
        if (to) ++raises;
        level = to;
    }
    bool level = false;
    u64 rises = 0;   // low → high
    u64 raises = 0;  // set(true), high already or not
};

/// Host end of a stream: `input` is what the guest may read, `output` what it wrote; `room` is how much more
/// fits.
struct FakeStream final : HostStream {
    [[nodiscard]] usize write(std::span<const u8> bytes) override {
        usize count = std::min(bytes.size(), room);
        output.append(reinterpret_cast<const char*>(bytes.data()), count);
        room -= count;
        return count;
    }
    [[nodiscard]] usize read(std::span<u8> to) override {
        ++reads;
        usize count = std::min(to.size(), input.size());
        std::copy_n(input.begin(), count, to.begin());
        input.erase(0, count);
        return count;
    }
    std::string input, output;
    usize room = ~usize{0};
    u64 reads = 0;
};

/// One byte through a device's window.
inline u8 in(Device& device, u64 offset) {
    u8 byte = 0;
    device.read(offset, {&byte, 1});
    return byte;
}
inline void out(Device& device, u64 offset, u8 byte) { device.write(offset, {&byte, 1}); }

}  // namespace astra::vmm::test
