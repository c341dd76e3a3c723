// Driver of the multiport virtio console (virtio 1.2, 5.3): port 0 is the console, and one port is the
// control port.
#pragma once
#include "guest_kernel/base/list.hpp"
#include "guest_kernel/drivers/virtio_device.hpp"
#include "guest_kernel/sched/wait_queue.hpp"

namespace astra::virtio {

/// A byte stream to the host. Output goes in whole buffers; input arrives in chunks.
class ConsolePort {
  public:
    static constexpr usize kBufferBytes = 16 * 1024;
    static constexpr u16 kOutputBuffers = 8;
    static constexpr u16 kInputBuffers = 4;

    struct OutputBuffer {
        u16 token;
        std::span<u8> bytes;
    };
    /// A free output buffer, waiting for one if it must. The caller fills it without a lock, then sends it.
    Result<OutputBuffer> acquire(sched::Sleep how);
    /// The same without waiting: for interrupt context, the log and panics. `spin`: poll the device until one
    /// is free.
    bool try_acquire(OutputBuffer& out, bool spin);
    void send(const OutputBuffer& buffer, usize length);
    /// Gives an acquired buffer back unsent.
    void release(const OutputBuffer& buffer);
    /// Waits (polling) until the host took everything that was sent.
    void drain();

    /// Waits for input; copies it out. Returns bytes, at least one.
    Result<usize> receive(std::span<u8> to);
    /// Called in interrupt context when input may be there.
    sched::WaitQueue input_ready;

    Result<void> init(Device& device, u32 receive_queue, u32 transmit_queue, bool event_index);
    void interrupt();

  private:
    struct State {
        Queue receive, transmit;
        u16 free_output = 0;            // bit per token
        u16 current = Queue::kMaxSize;  // input buffer being read
        u32 current_length = 0, current_offset = 0;
    };
    void reclaim(State& state);
    bool has_input();
    sched::SpinLocked<State, sched::Rank::Virtio> state_;
    sched::WaitQueue output_free_;
    Device* device_ = nullptr;
    u32 receive_index_ = 0, transmit_index_ = 0;
    PhysAddr input_, output_;
};

/// Finds and starts the console device. Errors: ENODEV.
Result<void> init_console();
/// Null before init_console, or when the host offers no such port.
ConsolePort* console_port();
ConsolePort* control_port();

}  // namespace astra::virtio
