// The one interface through which the CLI and tests launch and watch guests. Whether the work is done in this
// process or by a daemon is the implementation's business.
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "control_proto/doctor.hpp"
#include "control_proto/error.hpp"
#include "control_proto/launch.hpp"

namespace astra::control {

enum class Stream { Out = 1, Error = 2 };

/// What a run tells its owner. Called only from inside Run::advance() and Client::launch(), on the caller's
/// thread.
class RunEvents {
  public:
    virtual ~RunEvents() = default;
    /// Bytes the program wrote. With a terminal everything comes on Stream::Out.
    virtual void on_output(Stream stream, std::span<const std::byte> bytes) = 0;
    /// The program runs; from here on signals reach it.
    virtual void on_started() = 0;
    /// Something worth a line even without --verbose (a process was killed for lack of memory).
    virtual void on_warning(std::string_view line) = 0;
    /// What happens behind the curtain: which engine and why, the kernel's own log, phases with times.
    virtual void on_detail(std::string_view line) = 0;
    /// How far a preparation (the import of an archive) has come, in bytes; `total` is 0 while it is not
    /// known.
    virtual void on_progress(std::string_view stage, uint64_t done, uint64_t total) = 0;
};

/// A guest with one program in it. Owned and driven by one thread; destruction ends the guest whatever it is
/// doing.
class Run {
  public:
    virtual ~Run() = default;

    /// Readable whenever advance() has something to do. Valid as long as the run.
    [[nodiscard]] virtual int poll_fd() const = 0;
    /// Does what can be done without blocking. Yields the outcome once, when everything is over: all output
    /// has been delivered and the guest is gone.
    [[nodiscard]] virtual std::optional<Outcome> advance() = 0;

    /// How many bytes send_input() would take now; 0 before the program runs and while its window is full.
    [[nodiscard]] virtual size_t input_capacity() const = 0;
    /// Sends the first bytes of `bytes`, at most input_capacity(); returns how many.
    virtual size_t send_input(std::span<const std::byte> bytes) = 0;
    /// End of file on the program's standard input, after everything sent.
    virtual void end_input() = 0;
    /// Delivers a Linux signal number to the program. False while there is no program to take it.
    virtual bool signal(int number) = 0;
    /// Tells the program's terminal its new size.
    virtual void resize(WindowSize size) = 0;
    /// Holds the program's output back (the guest blocks when its buffers are full) or lets it flow again.
    virtual void pause_output(bool paused) = 0;
    /// Ends the guest at once. The outcome (Killed) still comes from advance().
    virtual void kill() = 0;
};

class Client {
  public:
    virtual ~Client() = default;
    /// Boots a guest and starts the program in it. Returns once the machine has been started; what happens to
    /// it is told by the run. `events` must outlive the run. Errors: what is wrong with the specification,
    /// its files or this host, found before anything was started.
    [[nodiscard]] virtual Result<std::unique_ptr<Run>> launch(const LaunchSpec& spec, RunEvents& events) = 0;
    /// Looks at the host and the installation. Changes nothing.
    [[nodiscard]] virtual DoctorReport doctor() = 0;
};

/// A client that does the work in this process.
[[nodiscard]] std::unique_ptr<Client> make_local_client();

}  // namespace astra::control
