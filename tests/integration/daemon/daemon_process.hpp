// An astrad of a test's own, on a state folder of its own.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "control_proto/remote.hpp"

namespace astra::tests {

/// The environment's value of `name`, or `otherwise`.
[[nodiscard]] std::string setting(const char* name, const std::string& otherwise);

class DaemonProcess {
  public:
    /// Starts one on a fresh folder. `more` are further options; `under` is a program that executes the words
    /// that follow its own, and has $FOLDER in the environment.
    explicit DaemonProcess(std::vector<std::string> more = {}, std::vector<std::string> under = {});
    /// Ends it and whatever guests it has left, and removes the folder.
    ~DaemonProcess();
    DaemonProcess(const DaemonProcess&) = delete;
    DaemonProcess& operator=(const DaemonProcess&) = delete;

    /// Starts it again on the same folder, and connects.
    void start();
    /// Ends it with a signal and waits for its end; its wait status. With `then` the connection is kept
    /// until that has run.
    int end(int signal, const std::function<void()>& then = {});
    [[nodiscard]] std::string folder() const { return folder_; }
    [[nodiscard]] std::string socket() const { return folder_ + "/astra.sock"; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] control::Remote& remote() { return *remote_; }

  private:
    std::string folder_;
    std::vector<std::string> more_, under_;
    pid_t pid_ = -1;
    std::unique_ptr<control::Remote> remote_;
};

/// A shell command's exit status and what it printed.
struct Said {
    int status;
    std::string out;
};
[[nodiscard]] Said shell(const std::string& command);

/// Processes whose command line contains `text`.
[[nodiscard]] std::vector<pid_t> processes_with(const std::string& text);

}  // namespace astra::tests
