// The host's streams: the standard input and outputs of a program the host spawned, over the control port.
#pragma once
#include "guest_kernel/abi/control.hpp"
#include "guest_kernel/fs/file.hpp"

namespace astra {

/// Sends one frame: `message`, then `extra`. Waits for a buffer, uninterruptibly.
void send_frame(abi::control::Type type, u64 tag, std::span<const u8> message,
                std::span<const u8> extra = {});
template <class T>
void send_frame(abi::control::Type type, u64 tag, const T& message, std::span<const u8> extra = {}) {
    send_frame(type, tag, {reinterpret_cast<const u8*>(&message), sizeof message}, extra);
}
/// Sends bytes of a stream as Output frames. Errors: kRestartSys when interrupted before anything was sent.
Result<usize> send_output(u64 tag, u32 stream, fs::Buffer& from);

/// Input the host sends and a program reads: at most kStreamWindow bytes under way.
class HostInput : public RefCounted {
  public:
    explicit HostInput(u64 tag) : tag_(tag) {}
    /// From the host; false when it exceeds the window (a host that breaks the protocol).
    bool deliver(std::span<const u8> bytes);
    void deliver_end();
    /// Waits for bytes; 0 at the end. Credits the host for what was taken.
    Result<usize> read(fs::Buffer& to, bool nonblocking);
    [[nodiscard]] bool readable();
    sched::WaitQueue ready;

  private:
    struct State {
        Vector<u8> ring;
        usize start = 0, count = 0;
        bool end = false;
    };
    struct Turn {};
    u64 tag_;
    sched::MutexLocked<Turn, sched::Rank::FileOffset> reader_;  // one reader at a time keeps bytes in order
    sched::SpinLocked<State, sched::Rank::Pipe> state_;
};

/// Descriptor 0 (with `input`), 1 or 2 of a program in StdioMode::Streams.
Result<Ref<fs::File>> make_stream_file(u64 tag, u32 stream, Ref<HostInput> input);

}  // namespace astra
