// What happened to guests and images, numbered without holes, kept over restarts.
#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm::daemon {

struct Event {
    u64 sequence = 0;  // 1, 2, 3, …
    u64 unix_ns = 0;
    std::string kind;  // "guest.created"
    std::string guest_id, guest_name;
    std::string detail;
};

/// Thread-safe.
class EventLog {
  public:
    /// This many of the newest are kept.
    static constexpr usize kKept = 10'000;

    /// Opens the log at `path`, or begins one. A last line that was cut short is dropped. Errors: those of
    /// open(2), read(2); Corrupt.
    [[nodiscard]] static Result<std::unique_ptr<EventLog>> open(std::string path);

    /// Adds an event, whose number and time are set here.
    void append(Event event);
    /// Number of the newest event; 0: there was none yet.
    [[nodiscard]] u64 last() const;
    /// Whether an event of that kind about that guest is kept.
    [[nodiscard]] bool contains(const std::string& kind, const std::string& guest_id) const;
    /// Events from number `from` on (at most `limit`), waiting up to `patience` for the first of them.
    /// Errors: OutOfRange when event `from` is not kept any more.
    [[nodiscard]] Result<std::vector<Event>> read(u64 from, usize limit, std::chrono::milliseconds patience);

  private:
    explicit EventLog(std::string path) : path_(std::move(path)) {}
    [[nodiscard]] Result<void> load();
    [[nodiscard]] Result<void> rewrite();

    std::string path_;
    mutable std::mutex mutex_;
    std::condition_variable grown_;
    Fd file_;
    std::deque<Event> events_;
    usize lines_ = 0;  // in the file
    u64 last_ = 0;
};

}  // namespace astra::vmm::daemon
