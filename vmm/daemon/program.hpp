// A program in a guest, as the daemon's clients see it: input, output, end.
#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "guest_kernel/abi/control.hpp"
#include "vmm/base/error.hpp"
#include "vmm/supervisor/protocol.hpp"

namespace astra::vmm::daemon {

/// What a program talks through: its guest.
class ProgramHost {
  public:
    virtual ~ProgramHost() = default;
    /// Sends a frame, waiting up to `patience` for room in the queue. False when there is none, and nothing
    /// was sent. A guest that has ended takes everything.
    [[nodiscard]] virtual bool send(abi::control::Type type, u64 tag, std::span<const u8> message,
                                    std::span<const u8> tail, std::chrono::milliseconds patience) = 0;
    /// The client of the program (or channel) is gone, and the program is hung up if it is to be.
    virtual void forget(u64 tag, bool hang_up) = 0;
    /// There is room for output again.
    virtual void resume_reading() = 0;
};

/// Thread-safe. Destruction hangs the program up, unless it is the guest's own.
class Program {
  public:
    struct Event {
        enum class Kind { Started, SpawnFailed, Output, Exited, Lost };
        Kind kind;
        u32 value = 0;  // Started: pid; SpawnFailed: errno; Output: stream; Exited: wait status
        u64 boot_ns = 0;
        std::vector<u8> bytes{};
    };
    /// Output beyond this much, not yet taken, holds the guest's output back.
    static constexpr usize kBacklog = usize{4} << 20;

    Program(std::shared_ptr<ProgramHost> host, u64 tag, u32 window)
        : host_(std::move(host)), tag_(tag), window_(window), started_(tag == supervisor::kMainTag) {}
    ~Program();

    /// The next event, waiting up to `patience` for it.
    [[nodiscard]] std::optional<Event> next(std::chrono::milliseconds patience);
    /// Waits up to `patience` until the program takes input and signals, or has ended; whether it does or
    /// has.
    [[nodiscard]] bool await_start(std::chrono::milliseconds patience);
    /// Sends the first bytes of `bytes`, as many as the program's window takes, waiting up to `patience` for
    /// room; how many. Once it has ended everything is taken, and dropped.
    [[nodiscard]] usize input(std::span<const u8> bytes, std::chrono::milliseconds patience);
    // These, too, wait up to `patience` for room. False when there is none: nothing was sent.
    [[nodiscard]] bool end_input(std::chrono::milliseconds patience);
    [[nodiscard]] bool signal(u32 number, std::chrono::milliseconds patience);
    [[nodiscard]] bool resize(u16 rows, u16 columns, std::chrono::milliseconds patience);

    // From the guest.
    /// False when no more should come until resume_reading().
    bool deliver(Event event);
    void credit(u32 bytes);

  private:
    const std::shared_ptr<ProgramHost> host_;
    const u64 tag_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Event> events_;
    usize backlog_ = 0;
    u32 window_;
    bool started_, ended_ = false;
};

}  // namespace astra::vmm::daemon
