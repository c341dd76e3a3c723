// A HostStream over a descriptor: the other end of a guest's console, control port or serial line.
#pragma once
#include <functional>

#include "vmm/base/fd.hpp"
#include "vmm/devices/host_stream.hpp"
#include "vmm/machine/event_loop.hpp"

namespace astra::vmm {

/// Never blocks, and leaves the descriptor's file status flags alone: others may share the open file. When
/// the other end is gone, output is dropped and there is no more input: a guest is not stopped by nobody
/// listening.
///
/// Without a descriptor it drops output and has no input.
class FdStream final : public HostStream {
  public:
    FdStream() = default;
    /// Takes a stream socket (both directions) or a pipe, terminal or file open for writing (output only).
    [[nodiscard]] static Result<std::unique_ptr<FdStream>> create(Fd fd);

    /// Has the loop call `ready`, on its thread, when input or room for output may be there again.
    [[nodiscard]] Result<void> watch(EventLoop& loop, std::function<void()> ready);
    /// Whether the last write was not taken whole, and has to be offered again.
    [[nodiscard]] bool blocked() const { return blocked_; }

    [[nodiscard]] usize write(std::span<const u8> bytes) override;
    [[nodiscard]] usize read(std::span<u8> to) override;

  private:
    [[nodiscard]] ssize_t write_some(std::span<const u8> bytes) const;
    Fd fd_;
    bool socket_ = false;
    bool input_ended_ = false;
    bool output_ended_ = false;
    bool blocked_ = false;
};

}  // namespace astra::vmm
