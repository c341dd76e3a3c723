// How a child ended.
#pragma once
#include <optional>

#include "guest_kernel/base/types.hpp"

namespace astra::fmt {
class Formatter;
}

namespace astra::process {

/// A wait(2) status.
class ExitStatus {
  public:
    explicit ExitStatus(int raw) : raw_(raw) {}
    /// It exited with 0.
    [[nodiscard]] bool success() const { return raw_ == 0; }
    /// What it gave to exit, none when a signal ended it.
    [[nodiscard]] std::optional<int> code() const {
        return (raw_ & 0x7f) == 0 ? std::optional(raw_ >> 8 & 0xff) : std::nullopt;
    }
    /// The signal that ended it.
    [[nodiscard]] std::optional<int> signal() const {
        int signal = raw_ & 0x7f;
        return signal != 0 && signal != 0x7f ? std::optional(signal) : std::nullopt;
    }
    [[nodiscard]] int into_raw() const { return raw_; }
    friend bool operator==(ExitStatus, ExitStatus) = default;

  private:
    int raw_;
};

/// "exit status: 1", "signal: 9".
void display(fmt::Formatter& out, ExitStatus status);

}  // namespace astra::process
