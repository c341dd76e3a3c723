// Engines: the ways a guest can be run. Each turns a machine's description into a running process with the
// same ends.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control_proto/launch.hpp"
#include "vmm/engines/process.hpp"
#include "vmm/engines/shared_memory.hpp"
#include "vmm/memory/backing.hpp"

namespace astra::vmm {

struct MachineSpec {
    std::string kernel;                            // path of the ELF
    std::string image;                             // path of the TAR; empty: none
    ImagePolicy image_policy = ImagePolicy::Copy;  // how it reaches the guest (kvm; QEMU copies)
    u32 cpus = 1;
    u64 memory_mib = 0;
    std::string network = "none";                               // as net::parse_config reads it
    std::vector<std::string> forwards;                          // likewise
    control::MachineType type = control::MachineType::Microvm;  // of QEMU's
    std::string command_line;  // words for the kernel; the engine adds those about its devices
};

/// Why a machine's process ended.
enum class MachineEnd {
    Clean,       // the guest left through its exit doorbell
    Panic,       // the guest kernel panicked
    WrongBuild,  // the kernel build does not suit this machine
    VcpuDied,    // a virtual CPU stopped in a way that nobody can handle
    Reset,       // the guest reset itself (a triple fault)
    Failed,      // the process's own error; its stderr says which
    Killed,      // by a signal
};

/// A machine under way. The ends of its sockets and pipes are the launcher's; all are non-blocking.
struct Machine {
    Process process;
    Fd control;  // stream socket: the control port
    Fd console;  // stream socket: the virtio console
    Fd log;      // pipe: what the guest writes to its serial port
    Fd errors;   // pipe: the process's stderr
    SharedMemory shared;
};

class Engine {
  public:
    virtual ~Engine() = default;
    /// "kvm", "qemu", "libvirt": what results and messages call it.
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// The program it runs, for messages.
    [[nodiscard]] virtual std::string_view program() const = 0;
    /// Starts a machine. It begins to run at once. Errors: the program or a file is missing, or the host
    /// refused.
    [[nodiscard]] virtual Result<Machine> launch(const MachineSpec& spec) const = 0;
    /// What a wait(2) status of the machine's process means.
    [[nodiscard]] virtual MachineEnd end_of(int wait_status) const = 0;
    /// Stops the machine or lets it go on. Harmless when it has ended.
    virtual void suspend(const Process& process, bool stopped) const { process.suspend(stopped); }
};

/// ASTRA's own VMM on /dev/kvm; `vmm` is the path of astra-vmm.
[[nodiscard]] std::unique_ptr<Engine> make_kvm_engine(std::string vmm);

/// QEMU's microvm; `qemu` is the path of qemu-system-x86_64.
enum class Accelerator { Kvm, Tcg };
[[nodiscard]] std::unique_ptr<Engine> make_qemu_engine(std::string qemu, Accelerator accelerator);

/// Transient libvirt domains on this host; `helper` is the path of astra-libvirt, `uri` libvirt's connection
/// (empty: its default). launch() returns once the domain runs.
[[nodiscard]] std::unique_ptr<Engine> make_libvirt_engine(std::string helper, std::string uri,
                                                          Accelerator accelerator);

}  // namespace astra::vmm
