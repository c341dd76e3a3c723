// A thread that runs one vCPU until the machine stops.
#pragma once
#include <functional>
#include <thread>

#include "vmm/kvm/vcpu.hpp"
#include "vmm/machine/exit_handler.hpp"

namespace astra::vmm {

class VcpuThread {
  public:
    /// What the threads share with the machine; called from any of them. The first report ends the machine.
    struct Reports {
        std::function<void(u32 cpu, std::string report)> fault;  // the guest cannot go on
        std::function<void(Error error)> host_error;             // KVM_RUN itself failed
    };

    struct Options {
        bool confine;  // the thread confines itself first (sandbox.hpp)
        bool trace;    // a line on stderr per exit
    };

    VcpuThread(Vcpu vcpu, Buses& buses, const Reports& reports, Options options)
        : vcpu_(std::move(vcpu)), buses_(buses), reports_(reports), options_(options) {}
    ~VcpuThread() { stop(); }

    /// Starts running the guest. Internal when the host has no thread left.
    [[nodiscard]] Result<void> start();
    /// Makes the vCPU leave the guest and waits until its thread has ended.
    void stop();
    /// Has the thread print the vCPU's registers to stderr at the next chance and run on.
    void request_dump();
    [[nodiscard]] const ExitCounts& counts() const { return counts_; }

    /// Installs the handler of the signal that gets a thread out of KVM_RUN. Once per process, before
    /// start().
    static void install_signal();

  private:
    void run();
    void interrupt();
    Vcpu vcpu_;
    Buses& buses_;
    const Reports& reports_;
    const Options options_;
    ExitCounts counts_{};
    std::atomic<bool> stopping_ = false, dump_ = false;
    pthread_t thread_{};
    bool started_ = false;
};

}  // namespace astra::vmm
