// Pipes.
#pragma once
#include "guest_runtime/io/traits.hpp"
#include "guest_runtime/os/os.hpp"

namespace astra::process {

/// The end that reads: 0 when all writers are gone.
class PipeReader : public io::ReadMethods<PipeReader> {
  public:
    explicit PipeReader(os::OwnedFd fd) : fd_(std::move(fd)) {}
    io::Result<usize> read(std::span<u8> to) { return os::read(fd_.raw(), to); }
    [[nodiscard]] os::OwnedFd& fd() { return fd_; }
    os::OwnedFd into_fd() { return std::move(fd_); }

  private:
    os::OwnedFd fd_;
};

/// The end that writes: BrokenPipe when all readers are gone.
class PipeWriter : public io::WriteMethods<PipeWriter> {
  public:
    explicit PipeWriter(os::OwnedFd fd) : fd_(std::move(fd)) {}
    io::Result<usize> write(std::span<const u8> from) { return os::write(fd_.raw(), from); }
    io::Result<void> flush() { return {}; }
    [[nodiscard]] os::OwnedFd& fd() { return fd_; }
    os::OwnedFd into_fd() { return std::move(fd_); }

  private:
    os::OwnedFd fd_;
};

struct Pipe {
    PipeReader reader;
    PipeWriter writer;
};
/// A new pipe, closed on exec (pipe2(2)).
io::Result<Pipe> pipe();

}  // namespace astra::process
