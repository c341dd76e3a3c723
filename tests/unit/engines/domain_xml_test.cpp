// The domain XML that libvirt gets.
#include "vmm/engines/domain_xml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control_proto/names.hpp"

namespace astra::vmm {
namespace {

using control::MachineType;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

MachineSpec machine(MachineType type) {
    return {.kernel = "/k/kernel.elf",
            .image = "/i/image.tar",
            .cpus = 3,
            .memory_mib = 640,
            .network = "user",
            .forwards = {"8080:80", "0.0.0.0:53:5353/udp"},
            .type = type,
            .command_line = "astra.log=2"};
}
const DomainSpec kDomain{.name = "astra-1", .folder = "/tmp/f", .kvm = false};

TEST(DomainXml, SaysWhatTheMachineIs) {
    auto xml = domain_xml(machine(MachineType::Microvm), kDomain);
    ASSERT_TRUE(xml);
    EXPECT_THAT(
        *xml, AllOf(HasSubstr("<domain type='qemu'"), HasSubstr("<name>astra-1</name>"),
                    HasSubstr("<memory unit='MiB'>640</memory>"), HasSubstr("<vcpu current='3'>3</vcpu>"),
                    HasSubstr("machine='microvm'"), HasSubstr("<kernel>/k/kernel.elf</kernel>"),
                    HasSubstr("<initrd>/i/image.tar</initrd>"), HasSubstr("<cmdline>astra.log=2</cmdline>")));
    EXPECT_THAT(*xml, AllOf(HasSubstr("path='/tmp/f/control'"), HasSubstr("path='/tmp/f/console'"),
                            HasSubstr("path='/tmp/f/log'"), HasSubstr("name='org.astra.control'"),
                            HasSubstr("<source type='memfd'/><access mode='shared'/>")));
    EXPECT_THAT(*xml, HasSubstr("value='isa-debug-exit,iobase=0x501,iosize=4'"));
    DomainSpec kvm = kDomain;
    kvm.kvm = true;
    EXPECT_THAT(*domain_xml(machine(MachineType::Microvm), kvm), HasSubstr("<domain type='kvm'"));
}

TEST(DomainXml, NamesTheTransportOfEachMachine) {
    auto mmio = domain_xml(machine(MachineType::Microvm), kDomain);
    EXPECT_THAT(*mmio, AllOf(HasSubstr("<address type='virtio-mmio'/>"),
                             HasSubstr("'virtio-net-device,netdev=net'"), Not(HasSubstr("-pci"))));
    for (auto type : {MachineType::Pc, MachineType::Q35}) {
        auto pci = domain_xml(machine(type), kDomain);
        EXPECT_THAT(*pci,
                    AllOf(Not(HasSubstr("type='virtio-mmio'")), HasSubstr("'virtio-net-pci,netdev=net,"),
                          HasSubstr("value='max-ram-below-4g=")));
        EXPECT_THAT(*pci,
                    HasSubstr("machine='" + std::string(control::name_in(control::kMachineNames, type))));
    }
}

TEST(DomainXml, GivesTheNetworkToQemu) {
    auto xml = domain_xml(machine(MachineType::Pc), kDomain);
    EXPECT_THAT(*xml, HasSubstr("value='user,id=net,hostfwd=tcp:127.0.0.1:8080-10.0.2.15:80,"
                                "hostfwd=udp:0.0.0.0:53-10.0.2.15:5353'"));
    MachineSpec none = machine(MachineType::Pc);
    none.network = "none";
    none.forwards.clear();
    EXPECT_THAT(*domain_xml(none, kDomain), Not(HasSubstr("netdev")));
    none.network = "token-ring";
    EXPECT_FALSE(domain_xml(none, kDomain));
}

TEST(DomainXml, WritesNothingThatAWordCouldTurnIntoMarkup) {
    MachineSpec hostile = machine(MachineType::Microvm);
    hostile.command_line = "a=<b> c='d' e=\"f\" g&h</cmdline>";
    hostile.kernel = "/k/<kernel>&'";
    hostile.image.clear();
    auto xml = domain_xml(hostile, kDomain);
    EXPECT_THAT(*xml, HasSubstr("<cmdline>a=&lt;b&gt; c=&apos;d&apos; e=&quot;f&quot; "
                                "g&amp;h&lt;/cmdline&gt;</cmdline>"));
    EXPECT_THAT(*xml, HasSubstr("<kernel>/k/&lt;kernel&gt;&amp;&apos;</kernel>"));
    EXPECT_THAT(*xml, Not(HasSubstr("<initrd>")));
}

TEST(EngineNames, CarryLibvirtsUri) {
    control::LaunchSpec spec;
    ASSERT_TRUE(control::set_engine(spec, "libvirt:qemu:///session?socket=/a:b"));
    EXPECT_EQ(spec.engine, control::EngineChoice::Libvirt);
    EXPECT_EQ(spec.libvirt_uri, "qemu:///session?socket=/a:b");
    EXPECT_EQ(control::engine_text(spec), "libvirt:qemu:///session?socket=/a:b");
    ASSERT_TRUE(control::set_engine(spec, "libvirt"));
    EXPECT_EQ(spec.libvirt_uri, "");
    EXPECT_FALSE(control::set_engine(spec, "kvm:qemu:///session"));
    EXPECT_FALSE(control::set_engine(spec, "xen"));
    EXPECT_FALSE(control::set_machine(spec, "vax"));
    ASSERT_TRUE(control::set_machine(spec, "q35"));
    EXPECT_EQ(spec.machine, MachineType::Q35);
}

}  // namespace
}  // namespace astra::vmm
