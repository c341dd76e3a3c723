// The progress line.
#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/messages.hpp"

namespace astra::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto kPatience = 300ms;
constexpr auto kInterval = 100ms;

}  // namespace

Progress::Progress() : watched_(::isatty(STDERR_FILENO)), next_(Clock::now() + kPatience) {}

void Progress::show(std::string_view stage, uint64_t done, uint64_t total) {
    if (!watched_ || Clock::now() < next_) return;
    next_ = Clock::now() + kInterval;
    shown_ = true;
    std::string amount =
        total > 0 ? fmt::format("{:3.0f} % of {} MiB",
                                100.0 * static_cast<double>(done) / static_cast<double>(total), total >> 20)
                  : fmt::format("{} MiB", done >> 20);
    say_plain(fmt::format("\r\x1b[K{}  {}", stage, amount));
}

void Progress::clear() {
    if (shown_) say_plain("\r\x1b[K");
    shown_ = false;
}

}  // namespace astra::cli
