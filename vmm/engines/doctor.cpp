// Findings about the host and the installation.
#include "vmm/engines/doctor.hpp"

#include <fmt/format.h>

#include <fstream>

#include "vmm/engines/choose.hpp"

namespace astra::vmm {
namespace {

using control::DoctorReport;
using control::Finding;
using Level = Finding::Level;

/// MemAvailable of /proc/meminfo (proc(5)), in MiB; 0 when it cannot be read.
u64 available_mib() {
    std::ifstream meminfo("/proc/meminfo");
    for (std::string key; meminfo >> key;) {
        u64 kib = 0;
        if (key == "MemAvailable:" && meminfo >> kib) return kib / 1024;
    }
    return 0;
}

Finding find_kvm(const HostFacts& facts) {
    if (!facts.kvm) return {"/dev/kvm", Level::Warning, facts.kvm.error().message, facts.kvm.error().hint};
    if (*facts.kvm == KvmKind::Hardware)
        return {"/dev/kvm", Level::Good, "hardware KVM: the isolated kernel, kernel and program apart", ""};
    return {"/dev/kvm", Level::Good,
            "software KVM: the flat kernel, which shares one privilege level with the program (the VM is the "
            "wall)",
            ""};
}

Finding find_engine(const HostFacts& facts, EngineKind kind) {
    auto subject = fmt::format("engine {}", engine_kind_name(kind));
    if (auto error = obstacle(facts, kind, {}))
        return {subject, Level::Warning, "not usable: " + error->message, error->hint};
    if (kind == EngineKind::Libvirt)
        return {subject, Level::Good, "installed; libvirtd is asked when a guest starts: " + facts.libvirt,
                ""};
    return {subject, Level::Good, "usable: " + (kind == EngineKind::Kvm ? facts.vmm : facts.qemu), ""};
}

Finding find_kernel(const char* name, const std::string& path, const HostFacts& facts) {
    auto subject = fmt::format("kernel {}", name);
    if (path.empty())
        return {subject, Level::Warning, fmt::format("kernel-{}.elf is not in {}", name, facts.kernels),
                "reinstall, or ./dev build"};
    return {subject, Level::Good, path, ""};
}

Finding find_memory(u64 mib) {
    auto detail = fmt::format("{} MiB available; a guest takes up to {} unless --memory says otherwise", mib,
                              control::kDefaultMemoryMib);
    if (mib < control::kDefaultMemoryMib)
        return {"memory", Level::Warning, detail, "free some, or use a smaller --memory"};
    return {"memory", Level::Good, detail, ""};
}

}  // namespace

DoctorReport examine(const HostFacts& facts) {
    DoctorReport report;
    report.memory_available_mib = available_mib();
    report.findings.push_back(find_kvm(facts));
    for (EngineKind kind : kEngineKinds) report.findings.push_back(find_engine(facts, kind));
    report.findings.push_back(find_kernel("isolated", facts.kernel_isolated, facts));
    report.findings.push_back(find_kernel("flat", facts.kernel_flat, facts));
    report.findings.push_back(find_memory(report.memory_available_mib));
    auto plan = choose(facts, control::EngineChoice::Auto, {});
    report.can_run = plan.has_value();
    report.reason = plan ? plan->reason : plan.error().message;
    if (plan) {
        report.engine = engine_kind_name(plan->kind);
        report.kernel = plan->kernel_name;
    } else {
        report.findings.push_back({"auto", Level::Bad, plan.error().message, plan.error().hint});
    }
    return report;
}

}  // namespace astra::vmm
