// Decoding kvm_run. Source: Linux Documentation/virt/kvm/api.rst, section 5.
#include "vmm/kvm/exit.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

namespace astra::vmm {

namespace {

Exit decode_port(kvm_run& run, std::span<u8> area) {
    const auto& io = run.io;
    u64 bytes = u64{io.size} * io.count;
    bool valid = io.size == 1 || io.size == 2 || io.size == 4;
    if (!valid || io.data_offset > area.size() || bytes > area.size() - io.data_offset)
        return UnexpectedExit{run.exit_reason};
    return PortExit{io.port, io.direction == KVM_EXIT_IO_OUT, io.size, area.subspan(io.data_offset, bytes)};
}

Exit decode_internal_error(const kvm_run& run) {
    const auto& internal = run.internal;
    InternalErrorExit exit{internal.suberror, {}, 0};
    // api.rst, "emulation_failure": data[0] holds flags, and with INSTRUCTION_BYTES data[1..2] a size and 15
    // bytes.
    if (internal.suberror == KVM_INTERNAL_ERROR_EMULATION && internal.ndata >= 3 &&
        (internal.data[0] & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES)) {
        const auto* bytes = reinterpret_cast<const u8*>(&internal.data[1]);
        exit.instruction_size = std::min<u8>(bytes[0], exit.instruction.size());
        std::memcpy(exit.instruction.data(), bytes + 1, exit.instruction.size());
    }
    return exit;
}

struct Describe {
    std::string operator()(const PortExit& e) const {
        return fmt::format("port {} {:#x} {}x{}{}", e.write ? "out" : "in", e.port, e.data.size() / e.size,
                           e.size, bytes(e.write, e.data));
    }
    std::string operator()(const MmioExit& e) const {
        return fmt::format("mmio {} {:#x} {}{}", e.write ? "write" : "read", e.address.raw(), e.data.size(),
                           bytes(e.write, e.data));
    }
    std::string operator()(const InterruptedExit&) const { return "interrupted"; }
    std::string operator()(const ShutdownExit&) const { return "triple fault"; }
    std::string operator()(const InternalErrorExit& e) const {
        std::string text = fmt::format("KVM internal error {}", e.suberror);
        if (e.suberror == KVM_INTERNAL_ERROR_EMULATION) text += " (an instruction it cannot emulate)";
        if (e.instruction_size)
            text += fmt::format(", bytes at RIP {:02x}",
                                fmt::join(std::span(e.instruction).first(e.instruction_size), " "));
        return text;
    }
    std::string operator()(const FailEntryExit& e) const {
        return fmt::format("host CPU {} refused the guest's state, reason {:#x}", e.cpu, e.reason);
    }
    std::string operator()(const UnexpectedExit& e) const {
        return fmt::format("unexpected KVM exit {}", e.reason);
    }

    static std::string bytes(bool write, std::span<const u8> data) {
        return write ? fmt::format(" {:02x}", fmt::join(data.first(std::min<usize>(data.size(), 16)), " "))
                     : "";
    }
};

}  // namespace

Exit decode_exit(std::span<u8> area) {
    auto& run = *reinterpret_cast<kvm_run*>(area.data());
    switch (run.exit_reason) {
        case KVM_EXIT_IO: return decode_port(run, area);
        case KVM_EXIT_MMIO:
            if (run.mmio.len > sizeof run.mmio.data) return UnexpectedExit{run.exit_reason};
            return MmioExit{PhysAddr(run.mmio.phys_addr), run.mmio.is_write != 0,
                            std::span(run.mmio.data).first(run.mmio.len)};
        case KVM_EXIT_INTR: return InterruptedExit{};
        case KVM_EXIT_SHUTDOWN: return ShutdownExit{};
        case KVM_EXIT_INTERNAL_ERROR: return decode_internal_error(run);
        case KVM_EXIT_FAIL_ENTRY:
            return FailEntryExit{run.fail_entry.hardware_entry_failure_reason, run.fail_entry.cpu};
        default: return UnexpectedExit{run.exit_reason};
    }
}

std::string describe(const Exit& exit) { return std::visit(Describe{}, exit); }

}  // namespace astra::vmm
