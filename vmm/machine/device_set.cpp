// Wiring: which device sits at which port, window and interrupt line (guest_kernel/abi/machine.hpp).
#include "vmm/machine/device_set.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <cstdlib>
#include <random>

#include "guest_kernel/abi/control.hpp"
#include "guest_kernel/abi/machine.hpp"

namespace astra::vmm {

namespace machine = abi::machine;

namespace {

constexpr u32 kPitGsi = 0, kUartGsi = 4, kRtcGsi = 8;

Result<std::unique_ptr<FdStream>> stream(Fd fd) {
    if (!fd.valid()) return std::make_unique<FdStream>();
    return FdStream::create(std::move(fd));
}

std::vector<virtio::Console::PortSpec> console_ports(HostStream& console, HostStream& control) {
    std::vector<virtio::Console::PortSpec> ports;
    ports.push_back({.name = "", .stream = console});
    ports.push_back({.name = abi::control::kPortName, .stream = control});
    return ports;
}

/// A locally administered address, so that guests on one bridge do not meet their own.
virtio::Net::Mac random_mac() {
    std::random_device random;
    virtio::Net::Mac mac;
    for (u8& byte : mac) byte = static_cast<u8>(random());
    mac[0] = static_cast<u8>((mac[0] & 0xfc) | 2);
    return mac;
}

void report_fault(std::string_view label, std::string_view reason) {
    fmt::print(stderr, "astra-vmm: {}: the guest's driver broke the protocol: {}\n", label, reason);
}

}  // namespace

void KvmIrqLine::set(bool level) {
    if (std::exchange(level_, level) == level) return;
    // Fails only for a line that does not exist or a VM without interrupt controllers: a mistake in this
    // program.
    if (auto result = vm_.set_irq(gsi_, level); !result) {
        fmt::print(stderr, "astra-vmm: {}\n", result.error().message);
        std::abort();
    }
}

Result<void> EventIrqLine::connect(const Vm& vm, u32 gsi) {
    event_ = TRY(EventFd::create());
    return vm.add_irq_event(gsi, event_->fd());
}

DeviceSet::VirtioSlot::VirtioSlot(const GuestMemory& memory, virtio::Device& device, u32 slot)
    : gsi(machine::kVirtioFirstIrq + slot),
      transport(
          memory, irq, device, [this](u16 queue) { kicks[queue].signal(); }, report_fault),
      base(machine::kVirtioBase + slot * machine::kVirtioStride) {}

DeviceSet::DeviceSet(const Vm& vm, const GuestMemory& memory, std::unique_ptr<TimerQueue> timers,
                     Streams streams, std::function<void(u32)> ring)
    : timers_(std::move(timers)),
      streams_(std::move(streams)),
      rtc_irq_(vm, kRtcGsi),
      uart_irq_(vm, kUartGsi),
      pit_(pit_irq_, clock_, timers_->factory(pit_lock_)),
      rtc_(rtc_irq_, clock_, timers_->factory(rtc_lock_)),
      uart_(uart_irq_, clock_, timers_->factory(uart_lock_), *streams_.log),
      doorbell_(std::move(ring)),
      console_(console_ports(*streams_.console, *streams_.control), 0, 0),
      console_slot_(memory, console_, kVirtioSlots[0]),
      rng_slot_(memory, rng_, kVirtioSlots[1]) {}

Result<std::unique_ptr<DeviceSet>> DeviceSet::create(const Vm& vm, const GuestMemory& memory, EventLoop& loop,
                                                     HostEnds ends, const net::Config& network,
                                                     std::function<void(u32)> ring) {
    Streams streams;
    streams.console = TRY(stream(std::move(ends.console)));
    streams.control = TRY(stream(std::move(ends.control)));
    streams.log = TRY(stream(std::move(ends.log)));
    auto timers = TRY(TimerQueue::create());
    std::unique_ptr<DeviceSet> set(
        new DeviceSet(vm, memory, std::move(timers), std::move(streams), std::move(ring)));
    TRY(set->attach_ports(vm));
    for (VirtioSlot* slot : {&set->console_slot_, &set->rng_slot_}) {
        TRY(set->attach_virtio(vm, *slot));
        TRY(set->watch_kicks(loop, *slot));
    }
    TRY(set->attach_net(vm, memory, network));
    TRY(set->watch_host(loop));
    return set;
}

Result<void> DeviceSet::attach_ports(const Vm& vm) {
    TRY(pit_irq_.connect(vm, kPitGsi));
    TRY(buses_.ports.attach(machine::kPortPit, 4, pit_, pit_lock_));
    TRY(buses_.ports.attach(machine::kPortSpeaker, 1, pit_.speaker_port(), pit_lock_));
    TRY(buses_.ports.attach(machine::kPortRtc, 2, rtc_, rtc_lock_));
    TRY(buses_.ports.attach(machine::kPortUart, 8, uart_, uart_lock_));
    TRY(buses_.ports.attach(machine::kPortExit, 4, doorbell_, doorbell_lock_));
    return {};
}

Result<void> DeviceSet::attach_virtio(const Vm& vm, VirtioSlot& slot) {
    TRY(slot.irq.connect(vm, slot.gsi));
    TRY(buses_.memory.attach(slot.base.raw(), machine::kVirtioStride, slot.transport, slot.lock));
    for (u16 queue = 0; queue < slot.transport.queue_count(); queue++) {
        slot.kicks.push_back(TRY(EventFd::create()));
        TRY(vm.add_doorbell(slot.base + virtio::MmioTransport::kNotifyOffset, queue, slot.kicks.back().fd()));
    }
    return {};
}

Result<void> DeviceSet::watch_kicks(EventLoop& loop, VirtioSlot& slot) {
    for (u16 queue = 0; queue < slot.kicks.size(); queue++)
        TRY(loop.add(slot.kicks[queue].fd(), EPOLLIN, [&slot, queue](u32) {
            slot.kicks[queue].drain();
            std::lock_guard guard(slot.lock);
            slot.transport.notify(queue);
        }));
    return {};
}

DeviceSet::Network::Network(const GuestMemory& memory, std::unique_ptr<net::Backend> host, EventFd signal)
    : wake(std::move(signal)),
      backend(std::move(host)),
      device(*backend, random_mac(), [this] { wake.signal(); }),
      slot(memory, device, kSlotsWithNet[2]),
      thread(device, *backend, slot.lock, slot.kicks, wake) {}

Result<void> DeviceSet::attach_net(const Vm& vm, const GuestMemory& memory, const net::Config& network) {
    if (network.kind == net::Config::Kind::None) return {};
    auto backend = TRY(net::make_backend(network));
    net_ = std::make_unique<Network>(memory, std::move(backend), TRY(EventFd::create()));
    TRY(attach_virtio(vm, net_->slot));
    return {};
}

Result<void> DeviceSet::watch_host(EventLoop& loop) {
    TRY(loop.add(timers_->fd(), EPOLLIN, [this](u32) { timers_->fire(); }));
    auto port_ready = [this](u32 port) {
        return [this, port] {
            std::lock_guard guard(console_slot_.lock);
            console_.input_ready(port);
            console_.output_ready(port);
        };
    };
    TRY(streams_.console->watch(loop, port_ready(0)));
    TRY(streams_.control->watch(loop, port_ready(1)));
    TRY(streams_.log->watch(loop, [this] {
        std::lock_guard guard(uart_lock_);
        uart_.input_ready();
        uart_.output_ready();
    }));
    return {};
}

void DeviceSet::start_network(bool confine) {
    if (net_) net_->thread.start(confine);
}

bool DeviceSet::output_blocked() const {
    return streams_.console->blocked() || streams_.control->blocked() || streams_.log->blocked();
}

}  // namespace astra::vmm
