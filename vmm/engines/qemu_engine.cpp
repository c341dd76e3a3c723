// Engine "qemu": QEMU's microvm with virtio-mmio devices, for hosts without a usable /dev/kvm (TCG) and for
// debugging.
#include <fmt/format.h>
#include <sys/wait.h>

#include "guest_kernel/abi/control.hpp"
#include "guest_kernel/abi/machine.hpp"
#include "vmm/engines/engine.hpp"
#include "vmm/engines/qemu_machine.hpp"
#include "vmm/engines/wiring.hpp"

namespace astra::vmm {
namespace {

class QemuEngine : public Engine {
  public:
    QemuEngine(std::string qemu, Accelerator accelerator)
        : qemu_(std::move(qemu)), accelerator_(accelerator) {}
    [[nodiscard]] std::string_view name() const override { return "qemu"; }
    [[nodiscard]] std::string_view program() const override { return "qemu-system-x86_64"; }
    [[nodiscard]] Result<Machine> launch(const MachineSpec& spec) const override;
    [[nodiscard]] MachineEnd end_of(int wait_status) const override;

  private:
    std::string qemu_;
    Accelerator accelerator_;
};

Result<Machine> QemuEngine::launch(const MachineSpec& spec) const {
    auto ram =
        TRY(SharedMemory::create("astra-guest-ram", qemu::ram_segments(spec.type, spec.memory_mib << 20)));
    const qemu::MachineFacts& machine = qemu::facts_of(spec.type);
    Ends control = TRY(make_socket_pair()), console = TRY(make_socket_pair());
    Ends log = TRY(make_pipe()), errors = TRY(make_pipe());

    ProcessSpec process{
        .program = qemu_, .arguments = {}, .inherited = {}, .errors = std::move(errors.theirs)};
    int ram_fd = process.inherit(TRY(ram.share()));
    int log_fd = process.inherit(std::move(log.theirs));
    int console_fd = process.inherit(std::move(console.theirs));
    int control_fd = process.inherit(std::move(control.theirs));
    bool kvm = accelerator_ == Accelerator::Kvm;
    process.arguments = {
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-machine",
        fmt::format("{},memory-backend=ram", machine.machine), "-accel", kvm ? "kvm" : "tcg,thread=multi",
        "-cpu", kvm ? "host" : "max", "-smp",
        fmt::format("{},maxcpus={}", spec.cpus, qemu::most_cpus(spec.cpus)), "-m",
        fmt::format("{}M", spec.memory_mib), "-object",
        fmt::format("memory-backend-file,id=ram,size={}M,share=on,mem-path=/proc/self/fd/{}", spec.memory_mib,
                    ram_fd),
        "-kernel", spec.kernel, "-append", spec.command_line, "-device",
        fmt::format("isa-debug-exit,iobase={:#x},iosize=4", abi::machine::kPortExit),
        // The serial port: a file chardev on a pipe. (A socket chardev drops bytes when the guest is quick.)
        "-add-fd", fmt::format("fd={},set=1", log_fd), "-chardev", "file,id=log,path=/dev/fdset/1,append=on",
        "-serial", "chardev:log", "-global", "virtio-mmio.force-legacy=false", "-device",
        machine.device("virtio-serial") + ",max_ports=2", "-chardev",
        fmt::format("socket,id=console,fd={}", console_fd), "-device", "virtconsole,nr=0,chardev=console",
        "-chardev", fmt::format("socket,id=control,fd={}", control_fd), "-device",
        fmt::format("virtserialport,nr=1,chardev=control,name={}", abi::control::kPortName), "-device",
        machine.device("virtio-rng")};
    net::Config network = TRY(net::parse_config(spec.network, spec.forwards));
    if (network.kind != net::Config::Kind::None)
        process.arguments.insert(process.arguments.end(),
                                 {"-netdev", qemu::describe_network(network), "-device",
                                  machine.device("virtio-net") + ",netdev=net"});
    if (!spec.image.empty()) {
        process.arguments.push_back("-initrd");
        process.arguments.push_back(spec.image);
    }
    return Machine{.process = TRY(Process::start(std::move(process))),
                   .control = std::move(control.ours),
                   .console = std::move(console.ours),
                   .log = std::move(log.ours),
                   .errors = std::move(errors.ours),
                   .shared = std::move(ram)};
}

MachineEnd QemuEngine::end_of(int wait_status) const {
    if (!WIFEXITED(wait_status)) return MachineEnd::Killed;
    // isa-debug-exit leaves with (v << 1) | 1; 0 is a reset under -no-reboot.
    auto doorbell = [&](abi::machine::ExitCode code) {
        return WEXITSTATUS(wait_status) == ((static_cast<int>(code) << 1) | 1);
    };
    if (WEXITSTATUS(wait_status) == 0) return MachineEnd::Reset;
    // QEMU's own errors end it with 1 too: a "clean" end before Hello is one of those.
    if (doorbell(abi::machine::ExitCode::Clean)) return MachineEnd::Clean;
    if (doorbell(abi::machine::ExitCode::Panic)) return MachineEnd::Panic;
    if (doorbell(abi::machine::ExitCode::WrongBuild)) return MachineEnd::WrongBuild;
    return MachineEnd::Failed;
}

}  // namespace

std::unique_ptr<Engine> make_qemu_engine(std::string qemu, Accelerator accelerator) {
    return std::make_unique<QemuEngine>(std::move(qemu), accelerator);
}

}  // namespace astra::vmm
