// Polled output on COM1 (16550, data sheet section 8) and the exit doorbell.
#include "guest_kernel/abi/machine.hpp"
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"

namespace astra::arch {

namespace {

constexpr u16 kData = abi::machine::kPortUart, kLineStatus = abi::machine::kPortUart + 5;
constexpr u8 kTransmitterEmpty = 0x20;
/// A port nobody decodes reads 0xff, "empty"; a stuck one must not hang a panic.
constexpr u32 kPatience = 1 << 20;

}  // namespace

void early_write(std::span<const char> text) {
    for (char c : text) {
        for (u32 i = 0; i < kPatience && !(privileged::in8(kLineStatus) & kTransmitterEmpty); i++) pause();
        privileged::out8(kData, static_cast<u8>(c));
    }
}

void exit_machine(abi::machine::ExitCode code) {
    privileged::out8(abi::machine::kPortExit, static_cast<u8>(code));
    privileged::halt_forever();  // nothing decodes the doorbell: at least stay silent
}

}  // namespace astra::arch
