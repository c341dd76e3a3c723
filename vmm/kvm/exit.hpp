// Why a vCPU came back from KVM_RUN, decoded once from the shared area into a type per reason.
#pragma once
#include <linux/kvm.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "guest_kernel/base/types.hpp"

namespace astra::vmm {

/// `in`/`out`, once or repeated (`ins`/`outs`): `data` holds the accesses one behind the other, each `size`
/// bytes, and lies in the shared area: what is read there for `in` reaches the guest at the next KVM_RUN.
struct PortExit {
    u16 port;
    bool write;
    u8 size;
    std::span<u8> data;
};
/// A load or store where no memory is. `data` as in PortExit.
struct MmioExit {
    PhysAddr address;
    bool write;
    std::span<u8> data;
};
/// A signal or a kick; nothing happened in the guest.
struct InterruptedExit {};
/// The CPU shut down: a triple fault.
struct ShutdownExit {};
/// KVM gave up. For an instruction it cannot emulate (suberror KVM_INTERNAL_ERROR_EMULATION) `instruction`
/// holds its bytes when KVM says them.
struct InternalErrorExit {
    u32 suberror;
    std::array<u8, 15> instruction;
    u8 instruction_size;
};
/// The host CPU refused the guest's state.
struct FailEntryExit {
    u64 reason;
    u32 cpu;
};
/// Anything else: no exit that this machine's set-up produces.
struct UnexpectedExit {
    u32 reason;
};

using Exit = std::variant<PortExit, MmioExit, InterruptedExit, ShutdownExit, InternalErrorExit, FailEntryExit,
                          UnexpectedExit>;
inline constexpr usize kExitKinds = std::variant_size_v<Exit>;
/// By Exit::index(), for counters and traces.
inline constexpr std::array<std::string_view, kExitKinds> kExitNames = {
    "port", "mmio", "interrupted", "shutdown", "internal-error", "fail-entry", "unexpected"};

/// Decodes the shared area of a vCPU that just left KVM_RUN; `area` starts with a kvm_run. Spans point into
/// `area`. A port access whose data would lie outside `area` decodes as UnexpectedExit.
[[nodiscard]] Exit decode_exit(std::span<u8> area);

/// One line for people: "port out 0x3f8 1x1 41", "internal error 1, instruction 0f 01 f9".
[[nodiscard]] std::string describe(const Exit& exit);

}  // namespace astra::vmm
