// Choosing engine and kernel.
#include "vmm/engines/choose.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace astra::vmm {
namespace {

using control::EngineChoice;
using control::KernelChoice;
using Build = KernelChoice::Kind;

bool allows(EngineChoice choice, EngineKind kind) {
    switch (choice) {
        case EngineChoice::Auto: return kind != EngineKind::Libvirt;
        case EngineChoice::Kvm: return kind == EngineKind::Kvm;
        case EngineChoice::Qemu: return kind == EngineKind::QemuKvm || kind == EngineKind::QemuTcg;
        case EngineChoice::QemuTcg: return kind == EngineKind::QemuTcg;
        case EngineChoice::Libvirt: return kind == EngineKind::Libvirt;
    }
    return false;
}

/// The build that suits a machine: where CPL0 is emulated the kernel has to run at CPL3.
Build suitable_build(const HostFacts& facts, EngineKind kind) {
    return (kind == EngineKind::Kvm || kind == EngineKind::QemuKvm) && facts.kvm &&
                   *facts.kvm == KvmKind::Software
               ? Build::Flat
               : Build::Isolated;
}

const std::string& path_of(const HostFacts& facts, Build build) {
    return build == Build::Flat ? facts.kernel_flat : facts.kernel_isolated;
}

const char* name_of(Build build) { return build == Build::Flat ? "flat" : "isolated"; }

std::optional<Error> engine_obstacle(const HostFacts& facts, EngineKind kind) {
    if (kind == EngineKind::Kvm && facts.vmm.empty())
        return Error{Code::NotFound, "astra-vmm is not in " + facts.installation,
                     "reinstall, or ./dev build"};
    if (kind == EngineKind::Libvirt) {
        if (!facts.libvirt.empty()) return std::nullopt;
        return Error{Code::NotFound, "astra-libvirt is not in " + facts.installation,
                     "reinstall, or ./dev build"};
    }
    if (kind != EngineKind::Kvm && facts.qemu.empty())
        return Error{Code::NotFound, "qemu-system-x86_64 is not in PATH", "apt-get install qemu-system-x86"};
    if (kind != EngineKind::QemuTcg && !facts.kvm) return facts.kvm.error();
    if (kind == EngineKind::QemuKvm && *facts.kvm == KvmKind::Software)
        return Error{Code::Unavailable,
                     "this host's KVM is software KVM, which emulates QEMU's guest firmware slowly",
                     "use --engine kvm or --engine qemu-tcg"};
    return std::nullopt;
}

/// Of a domain: software KVM would emulate its firmware slowly.
Accelerator accelerator_for(const HostFacts& facts) {
    return facts.kvm && *facts.kvm == KvmKind::Hardware ? Accelerator::Kvm : Accelerator::Tcg;
}

std::string reason_for(const HostFacts& facts, EngineKind kind) {
    switch (kind) {
        case EngineKind::Kvm: return fmt::format("/dev/kvm works and is {} KVM", kvm_kind_name(*facts.kvm));
        case EngineKind::QemuKvm: return "QEMU with hardware KVM works";
        case EngineKind::QemuTcg: return "QEMU's emulator works everywhere";
        case EngineKind::Libvirt:
            return accelerator_for(facts) == Accelerator::Kvm ? "with hardware KVM" : "with QEMU's emulator";
    }
    return {};
}

}  // namespace

std::string_view engine_kind_name(EngineKind kind) {
    switch (kind) {
        case EngineKind::Kvm: return "kvm";
        case EngineKind::QemuKvm: return "qemu (KVM)";
        case EngineKind::QemuTcg: return "qemu (TCG)";
        case EngineKind::Libvirt: return "libvirt";
    }
    return {};
}

std::optional<Error> obstacle(const HostFacts& facts, EngineKind kind, const KernelChoice& kernel) {
    if (auto error = engine_obstacle(facts, kind)) return error;
    if (kernel.kind == Build::File) return std::nullopt;
    Build build = kernel.kind == Build::Auto ? suitable_build(facts, kind) : kernel.kind;
    if (path_of(facts, build).empty())
        return Error{Code::NotFound, fmt::format("kernel-{}.elf is not in {}", name_of(build), facts.kernels),
                     "reinstall, or ./dev build"};
    return std::nullopt;
}

Result<Plan> choose(const HostFacts& facts, EngineChoice engine, const KernelChoice& kernel) {
    if (kernel.kind == Build::File && ::access(kernel.path.c_str(), R_OK) != 0)
        return fail_errno("kernel " + kernel.path);
    std::string passed_over, hint;
    for (EngineKind kind : kEngineKinds) {
        if (!allows(engine, kind)) continue;
        if (auto error = obstacle(facts, kind, kernel)) {
            passed_over += fmt::format("{}{}: {}", passed_over.empty() ? "" : "; ", engine_kind_name(kind),
                                       error->message);
            if (hint.empty()) hint = error->hint;
            continue;
        }
        Plan plan{.kind = kind,
                  .kernel = kernel.path,
                  .kernel_name = kernel.path,
                  .other_kernel = {},
                  .reason = {}};
        if (kernel.kind != Build::File) {
            Build build = kernel.kind == Build::Auto ? suitable_build(facts, kind) : kernel.kind;
            plan.kernel = path_of(facts, build);
            plan.kernel_name = name_of(build);
            if (kernel.kind == Build::Auto)
                plan.other_kernel = path_of(facts, build == Build::Flat ? Build::Isolated : Build::Flat);
        }
        plan.reason = reason_for(facts, kind);
        if (!passed_over.empty()) plan.reason += fmt::format(" ({})", passed_over);
        return plan;
    }
    return fail(Code::Unavailable, "no engine can run a guest here: " + passed_over, hint);
}

std::unique_ptr<Engine> make_engine(const HostFacts& facts, EngineKind kind, const std::string& libvirt_uri) {
    switch (kind) {
        case EngineKind::Kvm: return make_kvm_engine(facts.vmm);
        case EngineKind::QemuKvm: return make_qemu_engine(facts.qemu, Accelerator::Kvm);
        case EngineKind::QemuTcg: return make_qemu_engine(facts.qemu, Accelerator::Tcg);
        case EngineKind::Libvirt:
            return make_libvirt_engine(facts.libvirt, libvirt_uri, accelerator_for(facts));
    }
    return nullptr;
}

}  // namespace astra::vmm
