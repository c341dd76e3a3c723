// One of our standard outputs, written without ever blocking the loop that also serves signals and input.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace astra::cli {

/// Queues bytes for a descriptor that may be shared with others (so it stays blocking) and writes them in
/// pieces that poll(2) promised room for.
class Output {
  public:
    /// Beyond this many queued bytes the producer should pause.
    static constexpr size_t kHighWater = 256 * 1024;

    explicit Output(int fd) : fd_(fd) {}
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] bool pending() const { return written_ < queue_.size(); }
    [[nodiscard]] bool full() const { return queue_.size() - written_ > kHighWater; }

    /// Queues bytes; drops them once the output has failed.
    void add(std::span<const std::byte> bytes);
    /// Writes what fits without blocking. False when the output has just failed; error() says how.
    bool write_some();
    /// errno of the failure (EPIPE: the reader is gone); 0 while all is well.
    [[nodiscard]] int error() const { return error_; }

  private:
    int fd_;
    int error_ = 0;
    std::vector<std::byte> queue_;
    size_t written_ = 0;
};

}  // namespace astra::cli
