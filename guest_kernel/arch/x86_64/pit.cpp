// i8254 counter 0.
#include "guest_kernel/arch/x86_64/pit.hpp"

#include "guest_kernel/abi/machine.hpp"
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"

namespace astra::arch::pit {

namespace {

constexpr u16 kCounter0 = abi::machine::kPortPit, kControl = abi::machine::kPortPit + 3;
constexpr u8 kRateGenerator = 0x34;  // counter 0, low then high byte, mode 2, binary
constexpr u8 kLatch = 0x00;          // counter 0's count

void load(u16 count) {
    privileged::out8(kControl, kRateGenerator);
    privileged::out8(kCounter0, count & 0xff);
    privileged::out8(kCounter0, count >> 8);
}

}  // namespace

void start_free_running() { load(0); }

void latch() { privileged::out8(kControl, kLatch); }

u16 read_latched() {
    u8 low = privileged::in8(kCounter0);
    return static_cast<u16>(privileged::in8(kCounter0) << 8 | low);
}

void start_tick() { load((kHz + kTickHz / 2) / kTickHz); }

}  // namespace astra::arch::pit
