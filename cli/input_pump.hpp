// Standard input and signals of this process, taken to a program at the other end of a stream.
#pragma once
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "cli/signals.hpp"
#include "cli/terminal.hpp"

namespace astra::cli {

/// Works in a thread of its own from construction to destruction.
class InputPump {
  public:
    /// What is done with what comes; all from the pump's thread. Those that yield false have nobody to talk
    /// to.
    struct Sink {
        std::function<bool(std::string bytes)> input;
        std::function<bool()> end;
        std::function<bool(unsigned number)> signal;
        std::function<bool(control::WindowSize size)> resize;
        std::function<void()> detach;  // Ctrl-] was typed; not set: it is input like any other
    };
    /// `raw`: standard input is a terminal that the program's stands in for. It is raw meanwhile, and its
    /// sizes are passed on, the first at once.
    InputPump(Sink sink, SignalSource& signals, bool raw);
    ~InputPump();

  private:
    void run();
    void serve_signal(int number);
    bool take();

    Sink sink_;
    SignalSource& signals_;
    std::optional<RawTerminal> raw_;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace astra::cli
