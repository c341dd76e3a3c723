// Driver of the multiport virtio console.
#include "guest_kernel/drivers/virtio_console.hpp"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>

#include "guest_kernel/abi/control.hpp"
#include "guest_kernel/drivers/log.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::virtio {

namespace {
constexpr u32 buffer_order() {
    u32 order = 0;
    while ((kPageSize << order) < ConsolePort::kBufferBytes) order++;
    return order;
}
constexpr usize kInputBytes = kPageSize;
}  // namespace

Result<void> ConsolePort::init(Device& device, u32 receive_queue, u32 transmit_queue, bool event_index) {
    device_ = &device;
    receive_index_ = receive_queue;
    transmit_index_ = transmit_queue;
    static_assert(kInputBuffers == 4 && kOutputBuffers == 8);
    input_ = TRY(mm::alloc_frames(2, mm::Zero::No));
    output_ = TRY(mm::alloc_frames(buffer_order() + 3, mm::Zero::No));
    auto state = state_.lock();
    TRY(device.add_queue(receive_queue, state->receive, event_index, kInputBuffers));
    TRY(device.add_queue(transmit_queue, state->transmit, event_index, kOutputBuffers));
    for (u16 i = 0; i < kInputBuffers; i++)
        state->receive.publish(i, input_ + i * kInputBytes, kInputBytes, true);
    state->receive.enable_interrupts();
    state->free_output = (1u << kOutputBuffers) - 1;
    return {};
}

void ConsolePort::reclaim(State& state) {
    Queue::Used used;
    while (state.transmit.take_used(used)) state.free_output |= 1u << used.token;
}

bool ConsolePort::try_acquire(OutputBuffer& out, bool spin) {
    auto state = state_.lock();
    do {
        reclaim(*state);
        if (spin && !state->free_output) arch::spin_pause();
    } while (spin && !state->free_output);
    if (!state->free_output) {
        if (!state->transmit.enable_interrupts()) reclaim(*state);  // finished meanwhile
        if (!state->free_output) return false;
    }
    u16 token = static_cast<u16>(__builtin_ctz(state->free_output));
    state->free_output &= ~(1u << token);
    auto* bytes = static_cast<u8*>(arch::phys_to_virt(output_ + token * kBufferBytes));
    out = {token, {bytes, kBufferBytes}};
    return true;
}

Result<ConsolePort::OutputBuffer> ConsolePort::acquire(sched::Sleep how) {
    OutputBuffer buffer;
    TRY(output_free_.wait([&] { return try_acquire(buffer, false); }, how));
    return buffer;
}

void ConsolePort::send(const OutputBuffer& buffer, usize length) {
    bool notify;
    {
        auto state = state_.lock();
        state->transmit.publish(buffer.token, output_ + buffer.token * kBufferBytes, static_cast<u32>(length),
                                false);
        notify = state->transmit.needs_notify();
    }
    if (notify) device_->notify(transmit_index_);
}

void ConsolePort::release(const OutputBuffer& buffer) {
    state_.lock()->free_output |= 1u << buffer.token;
    output_free_.wake();
}

void ConsolePort::drain() {
    for (;;) {
        {
            auto state = state_.lock();
            reclaim(*state);
            if (state->free_output == (1u << kOutputBuffers) - 1) return;
        }
        arch::spin_pause();
    }
}

bool ConsolePort::has_input() {
    auto state = state_.lock();
    if (state->current != Queue::kMaxSize) return true;
    do {
        Queue::Used used;
        while (state->receive.take_used(used)) {
            if (used.length == 0 || used.length > kInputBytes) {
                state->receive.publish(used.token, input_ + used.token * kInputBytes, kInputBytes, true);
                continue;
            }
            state->current = used.token;
            state->current_length = used.length;
            state->current_offset = 0;
            return true;
        }
    } while (!state->receive.enable_interrupts());
    return false;
}

Result<usize> ConsolePort::receive(std::span<u8> to) {
    TRY(input_ready.wait([&] { return has_input(); }, sched::Sleep::Interruptible));
    bool notify = false;
    usize count;
    {
        auto state = state_.lock();
        usize left = state->current_length - state->current_offset;
        count = left < to.size() ? left : to.size();
        auto* from = static_cast<u8*>(arch::phys_to_virt(input_ + state->current * kInputBytes));
        __builtin_memcpy(to.data(), from + state->current_offset, count);
        state->current_offset += static_cast<u32>(count);
        if (state->current_offset == state->current_length) {
            state->receive.publish(state->current, input_ + state->current * kInputBytes, kInputBytes, true);
            state->current = Queue::kMaxSize;
            notify = state->receive.needs_notify();
        }
    }
    if (notify) device_->notify(receive_index_);
    return count;
}

void ConsolePort::interrupt() {
    input_ready.wake();
    output_free_.wake_all();
}

namespace {

struct Console {
    Own<Device> device;
    ConsolePort console, control;
    Queue control_receive, control_transmit;  // the device's own control queues
    PhysAddr messages;                        // one frame: kMessages incoming slots, then one outgoing
    bool has_control = false;
};
constinit Console* the_console = nullptr;
constexpr u16 kMessages = 8;
constexpr usize kMessageBytes = 128;

void handle_interrupt(void*) {
    the_console->device->acknowledge();
    the_console->console.interrupt();
    the_console->control.interrupt();
}

void send_message(Console& c, u32 port, u16 event, u16 value) {
    PhysAddr slot = c.messages + kMessages * kMessageBytes;
    *static_cast<virtio_console_control*>(arch::phys_to_virt(slot)) = {port, event, value};
    c.control_transmit.publish(0, slot, sizeof(virtio_console_control), false);
    c.device->notify(3);
    Queue::Used used;
    while (!c.control_transmit.take_used(used)) arch::spin_pause();
}

// The handshake of 5.3.6.2, polled: the device answers at once, or within the few milliseconds an I/O thread
// takes.
bool wait_for_control_port(Console& c) {
    u64 deadline = arch::now_ns() + 2'000'000'000;
    bool named = false, opened = false;
    while (!(named && opened)) {
        Queue::Used used;
        while (!c.control_receive.take_used(used)) {
            if (arch::now_ns() > deadline) return false;
            arch::spin_pause();
        }
        PhysAddr slot = c.messages + used.token * kMessageBytes;
        auto* message = static_cast<virtio_console_control*>(arch::phys_to_virt(slot));
        auto* name = reinterpret_cast<char*>(message + 1);
        usize name_length = used.length > sizeof *message ? used.length - sizeof *message : 0;
        u32 id = message->id;
        switch (message->event) {
            case VIRTIO_CONSOLE_PORT_ADD: send_message(c, id, VIRTIO_CONSOLE_PORT_READY, 1); break;
            case VIRTIO_CONSOLE_CONSOLE_PORT: send_message(c, id, VIRTIO_CONSOLE_PORT_OPEN, 1); break;
            case VIRTIO_CONSOLE_PORT_NAME:
                if (name_length && !name[name_length - 1]) name_length--;
                if (id == 1 && std::string_view(name, name_length) == abi::control::kPortName) {
                    named = true;
                    send_message(c, id, VIRTIO_CONSOLE_PORT_OPEN, 1);
                }
                break;
            case VIRTIO_CONSOLE_PORT_OPEN: opened |= id == 1 && message->value; break;
            default: break;
        }
        c.control_receive.publish(used.token, slot, kMessageBytes, true);
        c.device->notify(2);
    }
    return true;
}

Result<void> start(Console& c) {
    constexpr u64 kEventIndex = u64{1} << VIRTIO_RING_F_EVENT_IDX,
                  kMultiport = u64{1} << VIRTIO_CONSOLE_F_MULTIPORT;
    u64 features = TRY(c.device->negotiate(kEventIndex | kMultiport));
    bool event_index = features & kEventIndex;
    c.messages = TRY(mm::alloc_frame(mm::Zero::Yes));
    TRY(c.console.init(*c.device, 0, 1, event_index));
    if (features & kMultiport) {
        TRY(c.device->add_queue(2, c.control_receive, event_index, kMessages));
        TRY(c.device->add_queue(3, c.control_transmit, event_index, 1));
        TRY(c.control.init(*c.device, 4, 5, event_index));
    }
    c.device->start();
    if (features & kMultiport) {
        for (u16 i = 0; i < kMessages; i++)
            c.control_receive.publish(i, c.messages + i * kMessageBytes, kMessageBytes, true);
        c.device->notify(2);
        send_message(c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
        c.has_control = wait_for_control_port(c);
        if (!c.has_control) log(LogLevel::Error, "the host opened no port %s", abi::control::kPortName);
        c.device->notify(4);
    }
    c.device->notify(0);
    return c.device->on_interrupt(handle_interrupt, nullptr);
}

}  // namespace

Result<void> init_console() {
    auto console = TRY(make_own<Console>());
    console->device = TRY(find_device(abi::virtio::DeviceId::Console));
    the_console = console.leak();  // for good
    return start(*the_console);
}

ConsolePort* console_port() { return the_console ? &the_console->console : nullptr; }
ConsolePort* control_port() {
    return the_console && the_console->has_control ? &the_console->control : nullptr;
}

}  // namespace astra::virtio
