// The names that people and messages use for engines and machines.
#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "control_proto/error.hpp"
#include "control_proto/launch.hpp"

namespace astra::control {

template <class Value>
struct Named {
    std::string_view name;
    Value value;
};
inline constexpr std::array kEngineNames{
    Named<EngineChoice>{"auto", EngineChoice::Auto}, Named<EngineChoice>{"kvm", EngineChoice::Kvm},
    Named<EngineChoice>{"qemu", EngineChoice::Qemu}, Named<EngineChoice>{"qemu-tcg", EngineChoice::QemuTcg},
    Named<EngineChoice>{"libvirt", EngineChoice::Libvirt}};
inline constexpr std::array kMachineNames{Named<MachineType>{"microvm", MachineType::Microvm},
                                          Named<MachineType>{"pc", MachineType::Pc},
                                          Named<MachineType>{"q35", MachineType::Q35}};
/// For help texts.
inline constexpr char kEngineHelp[] = "auto, kvm, qemu, qemu-tcg or libvirt[:URI]";
inline constexpr char kMachineHelp[] = "QEMU's machine (engines qemu and libvirt): microvm, pc or q35";

/// The name of `value` in a table above.
template <class Table, class Value>
[[nodiscard]] constexpr std::string_view name_in(const Table& table, Value value) {
    auto found = std::ranges::find(table, value, [](const auto& row) { return row.value; });
    return found == table.end() ? std::string_view{} : found->name;
}

/// Reads "kvm" or "libvirt:qemu:///session" into the specification. Errors: InvalidArgument.
inline Result<void> set_engine(LaunchSpec& spec, std::string_view text) {
    const size_t colon = text.find(':');
    auto found = std::ranges::find(kEngineNames, text.substr(0, colon), [](auto& row) { return row.name; });
    if (found == kEngineNames.end() || (colon != text.npos && found->value != EngineChoice::Libvirt))
        return fail(Code::InvalidArgument, "engine '" + std::string(text) + "' is none of " + kEngineHelp,
                    "astra doctor says which of them work here");
    spec.engine = found->value;
    spec.libvirt_uri = colon == text.npos ? "" : text.substr(colon + 1);
    return {};
}
/// The inverse.
[[nodiscard]] inline std::string engine_text(const LaunchSpec& spec) {
    std::string text(name_in(kEngineNames, spec.engine));
    return spec.libvirt_uri.empty() ? text : text + ":" + spec.libvirt_uri;
}

/// Reads a machine's name into the specification. Errors: InvalidArgument.
inline Result<void> set_machine(LaunchSpec& spec, std::string_view text) {
    auto found = std::ranges::find(kMachineNames, text, [](auto& row) { return row.name; });
    if (found == kMachineNames.end())
        return fail(Code::InvalidArgument, "machine '" + std::string(text) + "' is none of microvm, pc, q35");
    spec.machine = found->value;
    return {};
}

}  // namespace astra::control
