// time: the clocks, with the specification's own tests.
#include "guest_runtime/time/time.hpp"

#include <algorithm>

#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/sys/syscall.hpp"
#include "guest_runtime/thread/thread.hpp"
#include "guest_runtime/time/vdso.hpp"
#include "tests/guest/runtime/check.hpp"

using namespace astra;
using namespace astra::test;
using time::Duration;
using time::Instant;
using time::SystemTime;

namespace {

void busy_wait(Duration span) {
    for (auto start = Instant::now(); start.elapsed() < span;) __builtin_ia32_pause();
}

// The specification, "time.rs", Testing, and test_instant. On a machine that others use too, a wait can be
// longer than asked for: the shortest of several tells what the clock says.
void specification() {
    Duration shortest = Duration::max();
    bool long_enough = true;
    auto begun = Instant::now();
    while (shortest > Duration::from_millis(11) && begun.elapsed() < Duration::from_secs(20)) {
        auto start = Instant::now();
        busy_wait(Duration::from_millis(10));
        auto elapsed = start.elapsed();
        long_enough &= elapsed >= Duration::from_millis(9);
        shortest = std::min(shortest, elapsed);
    }
    check("10 ms of busy waiting measure at least 9 ms, each time", long_enough);
    if (!check("and at most 11 ms", shortest <= Duration::from_millis(11)))
        println("     the shortest took {}", shortest);
    auto start = Instant::now();
    busy_wait(Duration::from_millis(1));
    check("test_instant: as_millis() >= 1", start.elapsed().as_millis() >= 1);
    auto since_epoch = SystemTime::now().duration_since(time::UNIX_EPOCH);
    check("SystemTime is after 2020", since_epoch && since_epoch->as_secs() > 1'600'000'000);
    start = Instant::now();
    for (volatile int i = 0; i < 1000;) i = i + 1;
    println("     Took {}", start.elapsed());
    start = Instant::now();
    thread::sleep(Duration::from_millis(100));
    auto slept = start.elapsed();
    check("sleep of 100 ms lasts that",
          slept >= Duration::from_millis(100) && slept < Duration::from_secs(2));
}

void without_a_call() {
    abi::TimeSpec before{}, now{}, after{};
    bool alike = true;
    for (int clock : {sys::kClockMonotonic, sys::kClockRealtime}) {
        alike &= sys::clock_gettime(clock, &before) == 0 && time::read_clock(clock, &now) == 0 &&
                 sys::clock_gettime(clock, &after) == 0;
        auto nanos = [](const abi::TimeSpec& t) { return t.sec * 1'000'000'000 + t.nsec; };
        alike &= nanos(before) <= nanos(now) && nanos(now) <= nanos(after);
    }
    check("the clock without a system call agrees with the kernel's", alike);
    equal("an unknown clock", time::read_clock(9999, &now), -static_cast<int>(Errno::kEINVAL));
    check("the vDSO has no function of this name", !time::vdso_function("none"));
}

void clocks() {
    bool forward = true;
    auto last = Instant::now();
    for (int i = 0; i < 10000; i++) {
        auto now = Instant::now();
        forward &= now >= last;
        last = now;
    }
    check("Instant never goes back", forward);
    auto a = Instant::now(), b = a + Duration::from_secs(5);
    check("duration_since a later instant is zero", a.duration_since(b).is_zero());
    check("checked_duration_since tells",
          !a.checked_duration_since(b) && b.checked_duration_since(a) == Duration::from_secs(5));
    check("b - a", b - a == Duration::from_secs(5));
    auto now = SystemTime::now();
    fails("duration_since a later time", now.duration_since(now + Duration::from_secs(1)),
          io::ErrorKind::InvalidInput);
    check("SystemTime and Instant run alike", [] {
        auto wall = SystemTime::now();
        auto mono = Instant::now();
        thread::sleep(Duration::from_millis(50));
        double w = wall.elapsed().value_or(Duration()).as_secs_f64(), m = mono.elapsed().as_secs_f64();
        return w - m < 0.02 && m - w < 0.02;
    }());
}

}  // namespace

int main() {
    specification();
    without_a_call();
    clocks();
    return finish("rt_time");
}
