// Console: the ports' data queues and the control queue's conversation.
#include "vmm/virtio/console.hpp"

#include <algorithm>
#include <cstring>

namespace astra::vmm::virtio {
namespace {

using abi::virtio::console::ControlMessage;
using abi::virtio::console::Event;
using abi::virtio::console::kControlReceive;
using abi::virtio::console::kControlTransmit;
using abi::virtio::console::kFeatureMultiport;
using abi::virtio::console::kFeatureSize;
using abi::virtio::console::receive_queue;
using abi::virtio::console::ResizePayload;
using abi::virtio::console::transmit_queue;

constexpr u16 kQueueSize = 64;
constexpr u32 kConsolePort = 0;

constexpr u32 bit(Event event) { return u32{1} << static_cast<u32>(event); }
/// What the device has to say, in the order in which a driver wants to hear it: a port exists before it has a
/// name, and has one before it opens.
constexpr Event kAnnouncementOrder[] = {Event::PortAdd, Event::ConsolePort, Event::PortName, Event::Resize,
                                        Event::PortOpen};

void append(std::vector<u8>& bytes, const void* from, usize size) {
    auto* start = static_cast<const u8*>(from);
    bytes.insert(bytes.end(), start, start + size);
}

}  // namespace

Console::Console(std::vector<PortSpec> ports, u16 columns, u16 rows)
    : queue_sizes_(2 * ports.size() + 2, kQueueSize),
      config_{columns, rows, static_cast<u32>(ports.size()), 0} {
    for (PortSpec& spec : ports) {
        bool open = spec.open;
        ports_.push_back({.spec = std::move(spec), .host_open = open});
    }
}

u64 Console::features() const { return kFeatureSize | kFeatureMultiport; }

std::span<const u8> Console::config() const {
    return {reinterpret_cast<const u8*>(&config_), sizeof config_};
}

bool Console::multiport() const { return transport().features() & kFeatureMultiport; }

void Console::activate() {
    if (!multiport()) set_guest_open(kConsolePort, true);
    for (u16 queue = 0; queue < queue_sizes_.size(); ++queue) notified(queue);
}

void Console::reset() {
    for (u32 index = 0; index < ports_.size(); ++index) {
        set_guest_open(index, false);
        Port& port = ports_[index];
        port.guest_ready = false;
        port.input_pending = true;
        port.output_offset = 0;
        port.announcements = 0;
    }
}

void Console::notified(u16 queue) {
    if (queue >= kControlReceive && !multiport()) return;
    if (queue == kControlReceive) return send_announcements();
    if (queue == kControlTransmit) return take_control_messages();
    u32 port = queue < kControlReceive ? kConsolePort : (queue - kControlReceive) / 2u;
    queue == receive_queue(port) ? receive(port) : transmit(port);
}

void Console::input_ready(u32 port) {
    ports_[port].input_pending = true;
    receive(port);
}

void Console::output_ready(u32 port) { transmit(port); }

void Console::set_open(u32 port, bool open) {
    if (std::exchange(ports_[port].host_open, open) == open) return;
    announce(port, Event::PortOpen);
    send_announcements();
    transmit(port);
    receive(port);
}

void Console::resize(u16 columns, u16 rows) {
    if (config_.columns == columns && config_.rows == rows) return;
    config_.columns = columns;
    config_.rows = rows;
    transport().config_changed();
    announce(kConsolePort, Event::Resize);
    send_announcements();
}

/// Host → guest: fills the driver's buffers from the stream while both have something.
void Console::receive(u32 index) {
    Port& port = ports_[index];
    if (!port.host_open || !port.guest_open || !port.input_pending) return;
    serve(receive_queue(index), [&](Chain& chain) -> std::optional<u32> {
        if (chain.writable.empty()) transport().fail("receive buffer with nothing writable");
        u32 written = 0;
        for (std::span<u8> buffer : chain.writable) {
            if (!port.input_pending) break;
            usize got = port.spec.stream.read(buffer);
            written += static_cast<u32>(got);
            port.input_pending = got == buffer.size();
        }
        return written ? std::optional(written) : std::nullopt;
    });
}

/// Guest → host: a request the stream does not take whole stays at the head of the queue.
void Console::transmit(u32 index) {
    Port& port = ports_[index];
    if (!port.host_open) return;
    serve(transmit_queue(index), [&](Chain& chain) -> std::optional<u32> {
        u64 skip = port.output_offset;
        for (std::span<const u8> buffer : chain.readable) {
            std::span<const u8> rest = buffer.subspan(std::min<u64>(skip, buffer.size()));
            skip -= buffer.size() - rest.size();
            if (rest.empty()) continue;
            usize taken = port.spec.stream.write(rest);
            port.output_offset += taken;
            if (taken < rest.size()) return std::nullopt;
        }
        port.output_offset = 0;
        return 0;
    });
}

void Console::take_control_messages() {
    serve(kControlTransmit, [this](Chain& chain) -> std::optional<u32> {
        ControlMessage message;
        std::span<u8> bytes{reinterpret_cast<u8*>(&message), sizeof message};
        if (chain.copy_out(0, bytes) == sizeof message && message.port < ports_.size())
            control_message(message);
        return 0;
    });
    send_announcements();
    for (u32 port = 0; port < ports_.size(); ++port) receive(port);
}

void Console::control_message(const ControlMessage& message) {
    Port& port = ports_[message.port];
    switch (message.event) {
        case Event::DeviceReady:
            if (message.value != 1) break;  // the driver gave up
            for (Port& each : ports_) each.announcements |= bit(Event::PortAdd);
            break;
        case Event::PortReady:
            port.guest_ready = message.value == 1;
            if (message.port == kConsolePort) {
                announce(message.port, Event::ConsolePort);
                announce(message.port, Event::Resize);
                set_guest_open(message.port, port.guest_ready);  // a console is open from the start
            }
            if (!port.spec.name.empty()) announce(message.port, Event::PortName);
            if (port.host_open) announce(message.port, Event::PortOpen);
            break;
        case Event::PortOpen: set_guest_open(message.port, message.value != 0); break;
        default: break;  // the driver has nothing else to say (5.3.6.2)
    }
}

void Console::set_guest_open(u32 index, bool open) {
    Port& port = ports_[index];
    if (std::exchange(port.guest_open, open) != open && port.spec.guest_opened) port.spec.guest_opened(open);
}

/// Notes what the driver is to hear; a bit per event keeps a driver that never listens from piling up
/// messages.
void Console::announce(u32 index, Event event) {
    if (event == Event::Resize && !(transport().features() & kFeatureSize)) return;
    if (ports_[index].guest_ready) ports_[index].announcements |= bit(event);
}

std::vector<u8> Console::encode(u32 index, Event event) const {
    const Port& port = ports_[index];
    u16 value = event != Event::PortOpen || port.host_open;
    ControlMessage message{index, event, value};
    std::vector<u8> bytes;
    append(bytes, &message, sizeof message);
    if (event == Event::PortName) append(bytes, port.spec.name.data(), port.spec.name.size());
    if (event == Event::Resize) {
        ResizePayload size{config_.columns, config_.rows};
        append(bytes, &size, sizeof size);
    }
    return bytes;
}

void Console::send_announcements() {
    auto waiting = [this] {
        return std::ranges::find_if(ports_, [](const Port& port) { return port.announcements != 0; });
    };
    if (waiting() == ports_.end()) return;
    serve(kControlReceive, [&](Chain& chain) -> std::optional<u32> {
        auto port = waiting();
        if (port == ports_.end()) return std::nullopt;
        Event event =
            *std::ranges::find_if(kAnnouncementOrder, [&](Event e) { return port->announcements & bit(e); });
        std::vector<u8> bytes = encode(static_cast<u32>(port - ports_.begin()), event);
        if (chain.writable_bytes() < bytes.size()) {
            transport().fail("control buffer too small for a message");
            return std::nullopt;
        }
        port->announcements &= ~bit(event);
        return static_cast<u32>(chain.copy_in(0, bytes));
    });
}

}  // namespace astra::vmm::virtio
