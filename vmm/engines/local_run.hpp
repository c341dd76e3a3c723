// A run whose machine is a child of this process: boots it, starts the program, carries its stdio, explains
// its end.
#pragma once
#include <chrono>
#include <memory>
#include <optional>

#include "control_proto/client.hpp"
#include "vmm/control/session.hpp"
#include "vmm/engines/choose.hpp"
#include "vmm/engines/explain.hpp"
#include "vmm/engines/log_tap.hpp"
#include "vmm/engines/wait_set.hpp"

namespace astra::vmm {

/// What a run needs, checked and resolved.
struct RunRequest {
    std::unique_ptr<Engine> engine;
    MachineSpec machine;
    SpawnRequest program;
    std::string kernel_name;   // of machine.kernel
    std::string other_kernel;  // path of the build to try when this one is wrong; empty: none
    bool timing = false;
};

class LocalRun : public control::Run, private SessionEvents {
  public:
    /// Starts the machine. Errors: those of Engine::launch.
    [[nodiscard]] static Result<std::unique_ptr<LocalRun>> start(RunRequest request,
                                                                 control::RunEvents& events);

    [[nodiscard]] int poll_fd() const override { return waits_.fd(); }
    [[nodiscard]] std::optional<control::Outcome> advance() override;
    [[nodiscard]] size_t input_capacity() const override;
    size_t send_input(std::span<const std::byte> bytes) override;
    void end_input() override;
    bool signal(int number) override;
    void resize(control::WindowSize size) override;
    void pause_output(bool paused) override;
    void kill() override;

    /// Other programs in the guest: what the session says about them goes to `others`, which must outlive the
    /// run. session() is null unless the guest's kernel is up and listens; flush() sends what was queued
    /// there.
    void share_session(SessionEvents& others) { others_ = &others; }
    [[nodiscard]] Session* session();
    void flush();
    /// The session's tag of the run's own program.
    static constexpr u64 kTag = 1;

    /// Stops the machine's process or lets it go on.
    void suspend(bool stopped);
    [[nodiscard]] pid_t machine_pid() const;
    [[nodiscard]] std::string_view engine_name() const { return request_.engine->name(); }
    [[nodiscard]] const std::string& kernel_name() const { return request_.kernel_name; }
    /// Kernel entry → ready for programs, by the guest's clock; 0 before that.
    [[nodiscard]] u64 boot_ns() const { return boot_ns_; }
    /// The counters region, once the kernel is up: mapped here, and where it lies in a memfd.
    struct CountersView {
        std::span<u8> bytes;
        int fd = -1;
        u64 offset = 0;
    };
    [[nodiscard]] CountersView counters() const;

  private:
    // A kernel boots in milliseconds where it runs natively, in a second or two where it is emulated on a
    // busy host.
    static constexpr std::chrono::seconds kBootLimit{60};
    /// For a guest that was asked to leave, and for a process that closed its end of the control port.
    static constexpr std::chrono::seconds kExitLimit{5};

    /// One machine, from launch to end. A wrong kernel build costs an attempt.
    struct Attempt {
        Attempt(Machine started, LocalRun& run);
        Machine machine;
        Session session;
        std::vector<LogTap> taps;  // serial port, console, stderr
        Mapping counters;
        u64 counters_offset = 0;  // in the shared memory
        std::string panic_report;
        bool greeted = false;
        bool panicked = false;
        bool wrong_build = false;
        bool control_open = true;  // the guest may still have something to say, and we want to hear it
        bool ended = false;        // the process is gone
    };

    LocalRun(RunRequest request, control::RunEvents& events, WaitSet waits)
        : request_(std::move(request)), events_(events), waits_(std::move(waits)) {}
    Result<void> launch();

    void on_hello(const abi::control::HelloMessage& hello) override;
    void on_started(u64 tag, const abi::control::StartedMessage& message) override;
    void on_spawn_failed(u64 tag, u32 error) override;
    void on_output(u64 tag, u32 stream, std::span<const u8> bytes) override;
    void on_credit(u64 tag, u32 bytes) override;
    void on_exited(u64 tag, const abi::control::ExitedMessage& message) override;
    void on_out_of_memory(const abi::control::OutOfMemoryMessage& message, std::string_view victim) override;
    void on_panicked(const abi::control::PanickedMessage& message, std::string_view report) override;
    void on_wrong_build(const abi::control::WrongBuildMessage& message) override;
    void on_file_reply(u64 tag, std::span<const u8> payload) override;

    void handle(WaitSet::Event event);
    void receive();
    /// What is watched on the control port follows from the state.
    void watch_control();
    void close_control();
    void hear(u64 tap);
    void take_deadline();
    /// The program's end is known: asks the guest to leave. The first outcome stays.
    void conclude(control::Outcome outcome);
    /// There is nothing more to wait for from the guest: `outcome`, and the process is killed.
    void abandon(control::Outcome outcome);
    void finish_attempt();
    void map_counters(const abi::control::HelloMessage& hello);
    [[nodiscard]] EndFacts end_facts(int wait_status) const;
    [[nodiscard]] bool try_other_kernel();

    RunRequest request_;
    control::RunEvents& events_;
    SessionEvents* others_ = nullptr;
    WaitSet waits_;
    std::unique_ptr<Attempt> attempt_;
    std::optional<control::Outcome> outcome_;  // known, perhaps before the machine is gone
    bool paused_ = false;
    bool finished_ = false;             // the machine is gone
    bool told_ = false;                 // and the outcome was handed over
    u64 boot_ns_ = 0, started_ns_ = 0;  // by the guest's clock
};

}  // namespace astra::vmm
