// Follows what a machine says outside the control port (serial port, console, stderr), line by line.
#pragma once
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "vmm/base/fd.hpp"

namespace astra::vmm {

/// `text` made safe to show in one line of a terminal: everything that is not printable ASCII becomes '?'.
[[nodiscard]] std::string printable(std::string_view text);

/// Reads a non-blocking pipe or socket, hands on complete lines and keeps the last few for error messages.
/// The bytes may come from a hostile guest: lines are cut at kMaxLine and made printable.
class LogTap {
  public:
    static constexpr usize kMaxLine = 512;
    static constexpr usize kKeptLines = 64;
    using Sink = std::function<void(std::string_view line)>;

    LogTap(Fd fd, Sink sink) : fd_(std::move(fd)), sink_(std::move(sink)) {}

    [[nodiscard]] int fd() const { return fd_.get(); }
    enum class Source { Open, Ended };
    /// Takes what is there (a bounded amount). Ended: nothing will come any more; a last unfinished line was
    /// handed on.
    Source drain();
    /// The newest lines, oldest first.
    [[nodiscard]] const std::deque<std::string>& lines() const { return lines_; }
    /// The newest line that is not blank; empty when there was none.
    [[nodiscard]] std::string last_line() const;

  private:
    void take(std::string_view bytes);
    void finish_line();
    Fd fd_;
    Sink sink_;
    std::string partial_;
    std::deque<std::string> lines_;
};

}  // namespace astra::vmm
