// One guest of the daemon: its record, its supervisor, what is known about it.
#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>

#include "vmm/control/session.hpp"
#include "vmm/daemon/event_log.hpp"
#include "vmm/daemon/file_channel.hpp"
#include "vmm/daemon/program.hpp"
#include "vmm/daemon/reactor.hpp"
#include "vmm/engines/process.hpp"
#include "vmm/supervisor/frame_link.hpp"
#include "vmm/supervisor/guest_files.hpp"
#include "vmm/supervisor/protocol.hpp"
#include "vmm/supervisor/records.hpp"

namespace astra::vmm::daemon {

enum class GuestState { Created, Starting, Running, Paused, Ended, Broken };

struct GuestInfo {
    GuestRecord record;
    GuestState state = GuestState::Created;
    std::string engine, kernel;
    u64 boot_ns = 0;
    i32 machine_pid = 0;
    u64 console_end = 0;
    std::optional<ExitRecord> exit;  // when it has ended, or is broken
};

/// What all guests use.
struct GuestContext {
    Reactor& reactor;
    EventLog& events;
    std::string supervisor;   // path of astra-supervisor
    std::string image_store;  // folder
};

/// Thread-safe; nothing here waits for the guest but what says so.
class Guest : public std::enable_shared_from_this<Guest>, public ProgramHost {
  public:
    using Clock = std::chrono::steady_clock;

    Guest(GuestContext& context, GuestFiles files, GuestRecord record);
    ~Guest() override;

    /// A guest whose record cannot be read.
    void set_broken(const Error& why);
    /// Takes up the guest again after a restart of the daemon: connects to its supervisor, or finds its exit
    /// record, or notes that it was lost.
    void adopt();

    /// Ends the daemon's interest in the guest, which goes on. Nothing else may be called afterwards.
    void let_go();

    [[nodiscard]] GuestInfo info() const;
    [[nodiscard]] const GuestFiles& files() const { return files_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] u64 created_unix_ns() const { return created_unix_ns_; }

    /// Starts the supervisor. Errors: FailedPrecondition unless the guest is Created; that the record cannot
    /// be written or the supervisor not be started.
    [[nodiscard]] Result<void> start();
    /// Asks the supervisor; what comes of it is in info() later. Errors: FailedPrecondition when the guest is
    /// not in a state for it.
    [[nodiscard]] Result<void> stop(std::chrono::milliseconds grace);
    [[nodiscard]] Result<void> pause(bool paused);
    [[nodiscard]] Result<void> signal(u32 number);
    /// Ends the guest at once; without its supervisor's help when that does not answer within two seconds.
    [[nodiscard]] Result<void> kill();

    /// Waits until `done` holds (it is called with the current info) or the patience is over; whether it
    /// holds.
    bool wait(std::chrono::milliseconds patience, const std::function<bool(const GuestInfo&)>& done) const;
    /// False until a supervisor that was connected to has told what it runs.
    [[nodiscard]] bool settled() const;

    /// The counters region: shared with the guest while it runs, as it left it afterwards. Errors:
    /// FailedPrecondition while there is none.
    [[nodiscard]] Result<std::shared_ptr<Mapping>> counters();

    /// Starts a further program in the guest. Errors: FailedPrecondition when it does not run.
    [[nodiscard]] Result<std::shared_ptr<Program>> exec(const SpawnRequest& request);
    /// The guest's own program, for input. Errors: FailedPrecondition when it does not run.
    [[nodiscard]] Result<std::shared_ptr<Program>> main_program();

    /// A way to the guest's files. Errors: FailedPrecondition when it does not run.
    [[nodiscard]] Result<std::shared_ptr<FileChannel>> open_files();

    // ProgramHost
    [[nodiscard]] bool send(abi::control::Type type, u64 tag, std::span<const u8> message,
                            std::span<const u8> tail, std::chrono::milliseconds patience) override;
    void forget(u64 tag, bool hang_up) override;
    void resume_reading() override;

  private:
    /// Beyond this much that its supervisor has not taken, nothing more is queued for it.
    static constexpr usize kBacklog = usize{4} << 20;

    [[nodiscard]] Result<Fd> listen() const;
    [[nodiscard]] Result<void> connect();
    [[nodiscard]] Result<void> start_supervisor();
    void serve_link(u32 events);
    void reap();
    [[nodiscard]] Result<void> handle(const Frame& frame);
    void take_status(const Frame& frame);
    void flush();
    void hang_up(u64 tag);
    /// Tells the supervisor something about the machine or its program. Errors: FailedPrecondition when there
    /// is none (`what` could not be done); Unavailable when it does not take more.
    [[nodiscard]] Result<void> ask(const char* what, abi::control::Type type, std::span<const u8> message);
    [[nodiscard]] std::unexpected<Error> busy() const;
    /// The supervisor is gone: reads what it left.
    void conclude();
    void set_state(GuestState state, const char* event, std::string detail = {});
    [[nodiscard]] Result<void> require_link(const char* what) const;
    [[nodiscard]] GuestInfo info_locked() const;
    void tell(const char* kind, std::string detail) const;

    GuestContext& context_;
    const GuestFiles files_;
    const std::string name_;
    const u64 created_unix_ns_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    GuestRecord record_;
    GuestState state_ = GuestState::Created;
    std::unique_ptr<supervisor::FrameLink> link_;
    u64 link_watch_ = 0, child_watch_ = 0;
    std::optional<Process> child_;  // the supervisor, when this daemon started it
    Fd supervisor_;                 // its pidfd
    supervisor::StatusMessage status_{};
    std::string engine_, kernel_;
    u64 console_end_ = 0;
    std::optional<ExitRecord> exit_;
    bool adopted_ = false, settled_ = true, kill_asked_ = false, held_ = false;
    std::shared_ptr<Mapping> counters_;
    std::map<u64, std::weak_ptr<Program>> programs_;
    std::map<u64, std::weak_ptr<FileChannel>> channels_;
    std::shared_ptr<Program> main_;
    u64 next_tag_ = supervisor::kMainTag + 1;
};

/// "created", "starting", …
[[nodiscard]] const char* state_name(GuestState state);

}  // namespace astra::vmm::daemon
