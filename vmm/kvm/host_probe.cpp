// The probe's guest: one 2 MiB page mapped onto itself, a few bytes of code, long mode from the first
// instruction.
#include "vmm/kvm/host_probe.hpp"

#include <fmt/format.h>

#include <cstring>

#include "vmm/kvm/vcpu.hpp"

namespace astra::vmm {

namespace {

constexpr u64 kPml4 = 0x1000, kPdpt = 0x2000, kDirectory = 0x3000, kCode = 0x4000, kOperand = 0x5000;
constexpr u64 kMemory = 0x6000;
constexpr u8 kReportPort = 0x80;

// cmpxchg16b [rdi]; out kReportPort, al
constexpr u8 kProgram[] = {0x48, 0x0f, 0xc7, 0x0f, 0xe6, kReportPort};

kvm_segment flat_segment(u16 selector, u8 type, bool code) {
    kvm_segment s{};
    s.limit = 0xffff'ffff;
    s.selector = selector;
    s.type = type;
    s.present = s.s = s.g = 1;
    s.l = code;
    s.db = !code;
    return s;
}

void build_guest(std::span<u8> memory) {
    auto store = [&](u64 at, u64 value) { std::memcpy(memory.data() + at, &value, sizeof value); };
    store(kPml4, kPdpt | 3);
    store(kPdpt, kDirectory | 3);
    store(kDirectory, 0x83);  // 2 MiB at 0
    std::memcpy(memory.data() + kCode, kProgram, sizeof kProgram);
}

Result<void> enter_long_mode(const Vcpu& vcpu) {
    CpuState state = TRY(vcpu.state());
    state.special.cr3 = kPml4;
    state.special.cr4 = 0x20;         // PAE
    state.special.cr0 = 0x8000'0011;  // PG, ET, PE
    state.special.efer = 0x500;       // LMA, LME
    state.special.cs = flat_segment(0x10, 11, true);
    state.special.ds = state.special.es = state.special.ss = flat_segment(0x18, 3, false);
    state.general = {};
    state.general.rip = kCode;
    state.general.rdi = kOperand;
    state.general.rflags = 2;
    return vcpu.set_state(state);
}

}  // namespace

Result<KvmKind> probe_kvm(const char* path) {
    Kvm kvm = TRY(Kvm::open(path));
    Vm vm = TRY(Vm::create(kvm));
    void* base = ::mmap(nullptr, kMemory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return fail_errno("cannot map the probe's memory");
    Mapping memory(base, kMemory);
    build_guest(memory.span());
    TRY(vm.set_memory(0, PhysAddr(0), memory.span(), false));
    Vcpu vcpu = TRY(Vcpu::create(kvm, vm, 0));
    CpuidTable cpuid = TRY(kvm.supported_cpuid());
    TRY(vcpu.set_cpuid(cpuid));
    TRY(enter_long_mode(vcpu));
    for (;;) {
        Exit exit = TRY(vcpu.run());
        if (std::holds_alternative<InterruptedExit>(exit)) continue;
        if (const auto* port = std::get_if<PortExit>(&exit); port && port->port == kReportPort)
            return KvmKind::Hardware;
        if (const auto* error = std::get_if<InternalErrorExit>(&exit);
            error && error->suberror == KVM_INTERNAL_ERROR_EMULATION)
            return KvmKind::Software;
        return fail(Code::Internal, fmt::format("probing {}: {}", path, describe(exit)));
    }
}

std::string_view kvm_kind_name(KvmKind kind) { return kind == KvmKind::Hardware ? "hardware" : "software"; }

}  // namespace astra::vmm
