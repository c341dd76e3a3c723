// Composing domain XML.
#include "vmm/engines/domain_xml.hpp"

#include <fmt/format.h>

#include "control_proto/names.hpp"
#include "guest_kernel/abi/control.hpp"
#include "guest_kernel/abi/machine.hpp"
#include "vmm/engines/qemu_machine.hpp"

namespace astra::vmm {
namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (char c : text) switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '\'': out += "&apos;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    return out;
}

// {0} type, {1} name, {2} memory, {3} CPUs, {4} machine, {5} kernel, {6} initrd, {7} command line, {8}
// address of a virtio device, {9} the sockets' folder, {10} name of the control port, {11} QEMU's arguments,
// {12} the most CPUs.
constexpr char kDomain[] = R"(<domain type='{0}' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{1}</name>
  <memory unit='MiB'>{2}</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu current='{3}'>{12}</vcpu>
  <os>
    <type arch='x86_64' machine='{4}'>hvm</type>
    <kernel>{5}</kernel>{6}
    <cmdline>{7}</cmdline>
  </os>
  <cpu mode='maximum'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <controller type='virtio-serial' index='0'>{8}</controller>
    <serial type='unix'><source mode='connect' path='{9}/log'/><target port='0'/></serial>
    <console type='unix'>
      <source mode='connect' path='{9}/console'/><target type='virtio' port='1'/>
      <address type='virtio-serial' controller='0' bus='0' port='0'/>
    </console>
    <channel type='unix'>
      <source mode='connect' path='{9}/control'/><target type='virtio' name='{10}'/>
      <address type='virtio-serial' controller='0' bus='0' port='1'/>
    </channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend>{8}</rng>
  </devices>
  <qemu:commandline>{11}</qemu:commandline>
</domain>
)";

}  // namespace

Result<std::string> domain_xml(const MachineSpec& machine, const DomainSpec& domain) {
    const qemu::MachineFacts& facts = qemu::facts_of(machine.type);
    std::string arguments;
    auto pass = [&](const char* option, std::string_view value) {
        arguments +=
            fmt::format("\n    <qemu:arg value='{}'/><qemu:arg value='{}'/>", option, escaped(value));
    };
    pass("-global", "virtio-mmio.force-legacy=false");
    if (*facts.options) pass("-machine", facts.options);
    pass("-device", fmt::format("isa-debug-exit,iobase={:#x},iosize=4", abi::machine::kPortExit));
    const net::Config network = TRY(net::parse_config(machine.network, machine.forwards));
    if (network.kind != net::Config::Kind::None) {
        pass("-netdev", qemu::describe_network(network));
        pass("-device", facts.device("virtio-net") + ",netdev=net" + facts.libvirt_slot);
    }
    const std::string initrd =
        machine.image.empty() ? "" : fmt::format("\n    <initrd>{}</initrd>", escaped(machine.image));
    const std::string address =
        *facts.libvirt_address ? fmt::format("<address type='{}'/>", facts.libvirt_address) : "";
    return fmt::format(kDomain, domain.kvm ? "kvm" : "qemu", escaped(domain.name), machine.memory_mib,
                       machine.cpus, control::name_in(control::kMachineNames, machine.type),
                       escaped(machine.kernel), initrd, escaped(machine.command_line), address,
                       escaped(domain.folder), abi::control::kPortName, arguments,
                       qemu::most_cpus(machine.cpus));
}

}  // namespace astra::vmm
