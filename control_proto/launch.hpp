// What a client says to have a program run in a guest of its own, and what it is told about it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control_proto/statistics.hpp"

namespace astra::control {

/// Where a guest runs. Auto: the best that works on this host.
enum class EngineChoice { Auto, Kvm, Qemu, QemuTcg, Libvirt };

/// Which of QEMU's machines a guest gets (engines qemu and libvirt): microvm's devices are virtio-mmio, the
/// others' virtio-pci.
enum class MachineType { Microvm, Pc, Q35 };

/// Which build of the guest kernel. Auto: the one that suits the host; File: the ELF at `path`.
struct KernelChoice {
    enum class Kind { Auto, Isolated, Flat, File };
    Kind kind = Kind::Auto;
    std::string path;
};

struct WindowSize {
    uint16_t rows = 24;
    uint16_t columns = 80;
};

inline constexpr unsigned kMaxCpus = 8;
inline constexpr uint64_t kMinMemoryMib = 16;
inline constexpr uint64_t kDefaultMemoryMib = 512;

struct LaunchSpec {
    EngineChoice engine = EngineChoice::Auto;
    std::string libvirt_uri;  // engine Libvirt: the connection; empty: libvirt's default
    MachineType machine = MachineType::Microvm;
    KernelChoice kernel;
    unsigned cpus = 1;                        // 1..kMaxCpus
    uint64_t memory_mib = kDefaultMemoryMib;  // guest RAM
    std::string rootfs;  // path of the archive that becomes the guest's root: tar, plain or compressed
    std::string image;   // or: the id (SHA-256) of an image that was imported before
    /// "user[,host-loopback]", "tap=NAME[,ip=ADDRESS/PREFIX[,gateway=ADDRESS]]" or "none".
    std::string network = "user";
    std::vector<std::string>
        ports;                     // "[ADDRESS:]HOST:GUEST[/udp]": ports of the host that lead to the guest's
    std::string kernel_arguments;  // extra words for the kernel's command line
    std::vector<std::string>
        arguments;  // the program (looked up in its PATH unless it has a '/') and arguments
    std::vector<std::string> environment;  // "NAME=value"
    std::string workdir = "/";
    std::optional<WindowSize> terminal;  // set: the program's stdio is a terminal of this size
    bool timing = false;                 // have the guest measure every system call's time
};

/// How a run ended, and what is known about it.
struct Outcome {
    enum class Kind {
        Exited,       // value: the program's exit status
        Signalled,    // value: the signal that ended it
        SpawnFailed,  // value: errno; the program could not be started
        Panicked,     // the guest kernel panicked; report holds its words
        Killed,       // by kill()
        Lost,         // the machine ended or broke under the program
    };
    Kind kind = Kind::Lost;
    int value = 0;
    std::string message{};    // one line for a person; empty for Exited and Signalled
    std::string hint{};       // what to do next; may be empty
    std::string report{};     // Panicked: registers, backtrace, last calls
    std::string engine{};     // "kvm", "qemu"
    std::string kernel{};     // "isolated", "flat"
    uint64_t boot_ns = 0;     // kernel entry → ready for programs, by the guest's clock; 0: never got there
    uint64_t program_ns = 0;  // program's start → end, by the guest's clock
    std::optional<Statistics> statistics{};  // none: the guest never showed its counters
};

}  // namespace astra::control
