// Every port device under a guest that does anything at all: no crash, no hang, no flood of timer calls.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/devices/fakes.hpp"
#include "vmm/devices/pit.hpp"
#include "vmm/devices/rtc.hpp"
#include "vmm/devices/uart16550.hpp"

namespace astra::vmm::test {
namespace {

struct HostileTest : testing::Test {
    /// Random accesses to `device`, of any width and partly outside its `ports`, while time passes at random.
    void torment(Device& device, u64 ports, const std::function<void()>& between) {
        constexpr int kAccesses = 200'000;
        u64 started = time.now_ns();
        for (int i = 0; i < kAccesses; ++i) {
            std::array<u8, 8> data;
            for (u8& byte : data) byte = static_cast<u8>(random());
            std::span<u8> access = std::span(data).first(usize{1} << random() % 4);
            u64 offset = random() % (ports + 1);
            if (random() % 2)
                device.read(offset, access);
            else
                device.write(offset, access);
            if (random() % 8 == 0) time.advance(random() % 1'000'000);
            if (random() % 64 == 0) time.stall(random() % 1'000'000'000);
            if (random() % 4096 == 0) time.advance(random() % 100'000'000'000);
            between();
        }
        u64 elapsed_ms = (time.now_ns() - started) / 1'000'000;
        EXPECT_LE(time.fired, kAccesses + elapsed_ms * 10) << "a guest may not keep the device thread busy";
    }
    std::mt19937 random{42};
    FakeTime time;
    FakeIrq irq;
    FakeStream stream;
};

TEST_F(HostileTest, Pit) {
    Pit pit{irq, time, time.factory()};
    torment(pit, 4, [&] {
        if (random() % 16 == 0) out(pit.speaker_port(), 0, static_cast<u8>(random()));
        (void)in(pit.speaker_port(), 0);
    });
}

TEST_F(HostileTest, Rtc) {
    Rtc rtc{irq, time, time.factory()};
    torment(rtc, 2, [&] {
        if (random() % 1024 == 0) time.set_wall_ns(random() * u64{1'000'000'000});
    });
}

TEST_F(HostileTest, Uart) {
    Uart16550 uart{irq, time, time.factory(), stream};
    torment(uart, 8, [&] {
        if (random() % 16 == 0) stream.input += "noise", uart.input_ready();
        if (random() % 16 == 0) stream.room = random() % 8, uart.output_ready();
        if (stream.input.size() > 4096) stream.input.clear();
    });
}

}  // namespace
}  // namespace astra::vmm::test
