// A guest's machine as a libvirt domain.
#pragma once
#include <string>

#include "vmm/engines/engine.hpp"

namespace astra::vmm {

/// What libvirt has to know beside the machine's description.
struct DomainSpec {
    std::string name;
    std::string folder;  // of the sockets "control", "console" and "log", at which the launcher listens
    bool kvm = false;    // else QEMU's emulator
};

/// The domain's XML (libvirt.org/formatdomain.html). Its RAM is a shared memfd; QEMU connects the three
/// sockets. The network, with its forwards, is given to QEMU itself: libvirt knows no forwards for it.
/// Errors: those of net::parse_config.
[[nodiscard]] Result<std::string> domain_xml(const MachineSpec& machine, const DomainSpec& domain);

}  // namespace astra::vmm
