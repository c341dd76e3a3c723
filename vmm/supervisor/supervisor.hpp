// The supervisor: one process per guest of the daemon. It owns the machine and everything that must outlive
// the daemon: the control port, the console log, the exit record. The daemon comes and goes on its socket.
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include "control_proto/client.hpp"
#include "vmm/engines/local_run.hpp"
#include "vmm/supervisor/console_log.hpp"
#include "vmm/supervisor/frame_link.hpp"
#include "vmm/supervisor/guest_files.hpp"
#include "vmm/supervisor/protocol.hpp"

namespace astra::vmm::supervisor {

class Supervisor : private control::RunEvents, private SessionEvents {
  public:
    /// Runs the guest whose record lies in `files`, until it has ended and its exit record is written.
    /// `store` is the image store; `listener` the listening socket at files.socket(). Errors: the console log
    /// or the exit record could not be written; whatever becomes of the guest itself is in the exit record.
    [[nodiscard]] static Result<void> supervise(GuestFiles files, const std::string& store, Fd listener);

  private:
    using Clock = std::chrono::steady_clock;
    /// Output for the daemon beyond this much holds the guest's output back.
    static constexpr usize kBacklog = usize{4} << 20;

    Supervisor(GuestFiles files, Fd listener, ConsoleLog log)
        : files_(std::move(files)), listener_(std::move(listener)), log_(std::move(log)) {}

    [[nodiscard]] control::Outcome run(const std::string& store);
    [[nodiscard]] std::optional<control::Outcome> step();
    [[nodiscard]] int poll_timeout() const;
    void accept_daemon();
    void drop_daemon();
    void serve_link(short events);
    [[nodiscard]] Result<void> handle(const Frame& frame);
    void spawn(u64 tag, std::span<const u8> request);
    void call_files(u64 tag, std::span<const u8> call);
    void stop(std::chrono::milliseconds grace);
    void pause(bool paused);
    void report_status();
    void send(abi::control::Type type, u64 guest_tag, std::span<const u8> message,
              std::span<const u8> tail = {});
    void append(ConsoleStream stream, std::span<const std::byte> bytes);
    [[nodiscard]] Result<void> leave_records(control::Outcome outcome) const;

    // the guest's own program
    void on_output(control::Stream stream, std::span<const std::byte> bytes) override;
    void on_started() override;
    void on_warning(std::string_view line) override;
    void on_detail(std::string_view line) override;
    void on_progress(std::string_view, uint64_t, uint64_t) override {}
    // the daemon's programs
    void on_started(u64 tag, const abi::control::StartedMessage& message) override;
    void on_spawn_failed(u64 tag, u32 error) override;
    void on_output(u64 tag, u32 stream, std::span<const u8> bytes) override;
    void on_exited(u64 tag, const abi::control::ExitedMessage& message) override;
    void on_credit(u64 tag, u32 bytes) override;
    void on_file_reply(u64 tag, std::span<const u8> payload) override;

    GuestFiles files_;
    Fd listener_;
    ConsoleLog log_;
    std::optional<Error> log_failure_;
    std::unique_ptr<LocalRun> run_;
    std::unique_ptr<FrameLink> link_;
    std::map<u64, u64> guest_tags_;   // of the daemon's programs, by the daemon's tag
    std::map<u64, u64> daemon_tags_;  // and back
    std::map<u64, u64> file_calls_;   // under way, by the guest's tag: the daemon's
    u64 next_tag_ = kMainTag + 1;
    u64 told_console_ = 0;  // the end the daemon knows
    u64 told_boot_ns_ = 0;
    bool running_ = false;
    bool paused_ = false;
    std::optional<Clock::time_point> kill_at_;
};

}  // namespace astra::vmm::supervisor
