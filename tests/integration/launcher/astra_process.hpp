// Runs the `astra` program as a user does, with its stdio in the test's hands.
#pragma once
#include <chrono>
#include <string>
#include <vector>

namespace astra::tests {

struct Finished {
    int status = -1;  // exit status; 1000 + n when signal n ended it
    std::string out, error;
};

/// `astra WORDS…` under way. Its QEMU is the fake machine. Killed when it outlives the object.
class AstraProcess {
  public:
    enum class Stdio { Pipes, Terminal };
    /// `under`: a command, found in the PATH, that is to run it, with its words.
    explicit AstraProcess(std::vector<std::string> words, Stdio stdio = Stdio::Pipes,
                          std::vector<std::string> under = {});
    ~AstraProcess();
    AstraProcess(const AstraProcess&) = delete;
    AstraProcess& operator=(const AstraProcess&) = delete;

    void write(std::string_view bytes);
    void close_input();
    void close_output();
    void signal(int number) const;
    void resize(int rows, int columns) const;
    /// Waits until stdout (the terminal) has shown `text`. False after ten seconds.
    [[nodiscard]] bool wait_for(const std::string& text);
    /// The process id of astra's one child, the machine; -1 when there is none or more.
    [[nodiscard]] int only_child() const;
    /// Everything until the end; at most `limit`, then it is killed and status is -1.
    Finished finish(std::chrono::seconds limit = std::chrono::seconds(30));
    /// True when the terminal echoes and buffers lines, as it did at the start.
    [[nodiscard]] bool terminal_is_cooked() const;

  private:
    bool read_some(int timeout_ms);
    int pid_ = -1;
    int in_ = -1, out_ = -1, error_ = -1;
    bool terminal_;
    Finished seen_;
};

/// `astra run` on the fake machine with `words` after the needed options.
std::vector<std::string> run_words(std::vector<std::string> words);
/// Runs it to the end with `input` as its stdin.
Finished run_astra(std::vector<std::string> words, std::string_view input = {});

}  // namespace astra::tests
