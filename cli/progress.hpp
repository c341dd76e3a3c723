// A line that shows how long work is coming along, for people who watch: only when stderr is a terminal.
#pragma once
#include <chrono>
#include <cstdint>
#include <string_view>

namespace astra::cli {

class Progress {
  public:
    Progress();
    ~Progress() { clear(); }

    /// Shows "STAGE  42 % of 1200 MiB" (or the MiB done, while `total` is 0) in place of what it showed
    /// before. Work that ends within a moment shows nothing, and the line changes a few times a second at
    /// most.
    void show(std::string_view stage, uint64_t done, uint64_t total);
    /// Takes the line away.
    void clear();

  private:
    using Clock = std::chrono::steady_clock;
    bool watched_;
    bool shown_ = false;
    Clock::time_point next_;
};

}  // namespace astra::cli
