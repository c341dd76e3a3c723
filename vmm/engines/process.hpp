// A child process that the launcher owns: started with exactly the descriptors it is given, ended with its
// owner.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {

struct ProcessSpec {
    /// The number the first inherited descriptor has in the child.
    static constexpr int kFirstInherited = 3;

    std::string program;                 // path of the executable
    std::vector<std::string> arguments;  // without the program's name
    std::vector<Fd> inherited;           // become kFirstInherited, kFirstInherited + 1, …
    Fd errors;                           // becomes its stderr; stdin and stdout are /dev/null
    bool detached = false;               // in a session of its own, living on when its owner dies

    /// Hands `fd` to the child; returns its number there.
    int inherit(Fd fd) {
        inherited.push_back(std::move(fd));
        return kFirstInherited + static_cast<int>(inherited.size()) - 1;
    }
};

/// A running (or ended, not yet collected) child. It gets no descriptor but those of its spec, has its own
/// process group (a terminal's Ctrl-C does not reach it) and dies with the thread that started it, unless it
/// is detached. Destruction kills it, unless it was disowned.
class Process {
  public:
    /// Starts the program. Errors: NotFound, PermissionDenied, … when it cannot be executed.
    [[nodiscard]] static Result<Process> start(ProcessSpec spec);

    Process(Process&& other) noexcept = default;
    Process& operator=(Process&& other) noexcept;
    ~Process() { end(); }

    /// Readable once the child has ended.
    [[nodiscard]] int pidfd() const { return pidfd_.get(); }
    /// The wait(2) status once the child has ended; none while it runs. Does not block.
    [[nodiscard]] std::optional<int> status();
    /// SIGKILL. Harmless when the child has ended.
    void kill() const;
    /// Stops it (SIGSTOP) or lets it go on. Harmless when the child has ended.
    void suspend(bool stopped) const;
    /// Any signal. Harmless when the child has ended.
    void send(int signal) const;
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Leaves it alone from now on.
    void disown() { pidfd_.reset(); }

  private:
    Process(Fd pidfd, pid_t pid) : pidfd_(std::move(pidfd)), pid_(pid) {}
    void end();
    Fd pidfd_;
    pid_t pid_;
    std::optional<int> status_;
};

}  // namespace astra::vmm
