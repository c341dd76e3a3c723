// Which engine and which kernel build a guest gets on this host: the decision behind `--engine auto`.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "control_proto/launch.hpp"
#include "vmm/engines/engine.hpp"
#include "vmm/engines/host_facts.hpp"

namespace astra::vmm {

/// The ways to run a guest, best first; Libvirt only when asked for.
enum class EngineKind { Kvm, QemuKvm, QemuTcg, Libvirt };
inline constexpr std::array kEngineKinds{EngineKind::Kvm, EngineKind::QemuKvm, EngineKind::QemuTcg,
                                         EngineKind::Libvirt};
/// "kvm", "qemu (KVM)", "qemu (TCG)", "libvirt".
[[nodiscard]] std::string_view engine_kind_name(EngineKind kind);

struct Plan {
    EngineKind kind;
    std::string kernel;        // path of the ELF
    std::string kernel_name;   // "isolated", "flat", or the path the user gave
    std::string other_kernel;  // path of the other build, to try when this one turns out wrong; empty: do not
    std::string reason;        // one line
};

/// Why `kind` cannot run a guest with the kernel `kernel` asks for; none when it can.
[[nodiscard]] std::optional<Error> obstacle(const HostFacts& facts, EngineKind kind,
                                            const control::KernelChoice& kernel);

/// Picks the first of the engines `engine` allows that has no obstacle. Errors: Unavailable, naming every
/// obstacle met; NotFound for a kernel file that is not there.
[[nodiscard]] Result<Plan> choose(const HostFacts& facts, control::EngineChoice engine,
                                  const control::KernelChoice& kernel);

/// The engine of a plan. `libvirt_uri` is Libvirt's connection; empty: its default.
[[nodiscard]] std::unique_ptr<Engine> make_engine(const HostFacts& facts, EngineKind kind,
                                                  const std::string& libvirt_uri);

}  // namespace astra::vmm
