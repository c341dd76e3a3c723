// The devices of ASTRA's machine, wired to KVM's interrupt lines and doorbells and to the host's streams.
#pragma once
#include <mutex>
#include <optional>
#include <vector>

#include "vmm/base/event_fd.hpp"
#include "vmm/devices/exit_doorbell.hpp"
#include "vmm/devices/pit.hpp"
#include "vmm/devices/rtc.hpp"
#include "vmm/devices/uart16550.hpp"
#include "vmm/kvm/vm.hpp"
#include "vmm/machine/exit_handler.hpp"
#include "vmm/machine/fd_stream.hpp"
#include "vmm/machine/net_thread.hpp"
#include "vmm/machine/timer_queue.hpp"
#include "vmm/virtio/console.hpp"
#include "vmm/virtio/mmio.hpp"
#include "vmm/virtio/rng.hpp"

namespace astra::vmm {

/// An interrupt line of the VM that has a level.
class KvmIrqLine final : public IrqLine {
  public:
    KvmIrqLine(const Vm& vm, u32 gsi) : vm_(vm), gsi_(gsi) {}
    void set(bool level) override;

  private:
    const Vm& vm_;
    u32 gsi_;
    bool level_ = false;
};

/// An edge-triggered interrupt line of the VM, driven through an eventfd that KVM listens to.
class EventIrqLine final : public IrqLine {
  public:
    void set(bool level) override {
        if (level) event_->signal();
    }
    /// Before the first set(): connects it to line `gsi`.
    [[nodiscard]] Result<void> connect(const Vm& vm, u32 gsi);

  private:
    std::optional<EventFd> event_;
};

/// The other ends of the guest's byte streams. An invalid descriptor: nobody listens, nothing comes.
struct HostEnds {
    Fd console;  // virtio-console port 0
    Fd control;  // virtio-console port abi::control::kPortName
    Fd log;      // the UART's output
};

class DeviceSet {
  public:
    /// Slots of abi::machine's virtio windows: console, rng.
    static constexpr u32 kVirtioSlots[] = {0, 1};
    /// Those in use, in order: the same, and the network device's when there is one.
    [[nodiscard]] std::span<const u32> virtio_slots() const {
        return net_ ? std::span<const u32>(kSlotsWithNet) : std::span<const u32>(kVirtioSlots);
    }

    /// Builds all devices, attaches them to the buses and puts their descriptors into `loop`. `ring` is told
    /// what the guest writes to the exit doorbell, from a vCPU's thread. The references outlive the set.
    [[nodiscard]] static Result<std::unique_ptr<DeviceSet>> create(const Vm& vm, const GuestMemory& memory,
                                                                   EventLoop& loop, HostEnds ends,
                                                                   const net::Config& network,
                                                                   std::function<void(u32)> ring);

    [[nodiscard]] Buses& buses() { return buses_; }
    /// Starts the network device's thread, if there is one; `confine`: confined (sandbox.hpp).
    void start_network(bool confine);
    /// Stops the timers; what the guest sent still goes out. For the end of the machine.
    void quiesce() { timers_->stop(); }
    /// Whether a stream has yet to take output. Once no vCPU runs.
    [[nodiscard]] bool output_blocked() const;

  private:
    /// One virtio window: a transport with its interrupt, its lock, and an eventfd per queue.
    struct VirtioSlot {
        VirtioSlot(const GuestMemory& memory, virtio::Device& device, u32 slot);
        std::mutex lock;
        std::vector<EventFd> kicks;
        EventIrqLine irq;
        u32 gsi;
        virtio::MmioTransport transport;
        PhysAddr base;
    };
    static constexpr u32 kSlotsWithNet[] = {0, 1, 2};
    /// The network device, when the guest has one, with what it needs.
    struct Network {
        Network(const GuestMemory& memory, std::unique_ptr<net::Backend> host, EventFd wake);
        EventFd wake;
        std::unique_ptr<net::Backend> backend;
        virtio::Net device;
        VirtioSlot slot;
        NetThread thread;
    };
    struct Streams {
        std::unique_ptr<FdStream> console, control, log;
    };

    DeviceSet(const Vm& vm, const GuestMemory& memory, std::unique_ptr<TimerQueue> timers, Streams streams,
              std::function<void(u32)> ring);
    [[nodiscard]] Result<void> attach_ports(const Vm& vm);
    [[nodiscard]] Result<void> attach_virtio(const Vm& vm, VirtioSlot& slot);
    [[nodiscard]] Result<void> watch_kicks(EventLoop& loop, VirtioSlot& slot);
    [[nodiscard]] Result<void> attach_net(const Vm& vm, const GuestMemory& memory,
                                          const net::Config& network);
    [[nodiscard]] Result<void> watch_host(EventLoop& loop);

    std::unique_ptr<TimerQueue> timers_;
    Streams streams_;
    HostClock clock_;
    Buses buses_;
    std::mutex pit_lock_, rtc_lock_, uart_lock_, doorbell_lock_;
    EventIrqLine pit_irq_;
    KvmIrqLine rtc_irq_, uart_irq_;
    Pit pit_;
    Rtc rtc_;
    Uart16550 uart_;
    ExitDoorbell doorbell_;
    virtio::Console console_;
    virtio::Rng rng_;
    VirtioSlot console_slot_, rng_slot_;
    std::unique_ptr<Network> net_;
};

}  // namespace astra::vmm
