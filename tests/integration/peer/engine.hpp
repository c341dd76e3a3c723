// The TCP/IP engine in real time on a TAP device, with Linux behind a router as its peer: two network
// namespaces, joined by a wire that tc-netem(8) may make a bad one in both directions.
//
//   engine 10.9.0.2 -- tap -- 10.9.0.1 namespace "router" 10.9.1.1 -- veth -- 10.9.1.2 namespace "peer"
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "tests/unit/net/wire.hpp"
#include "vmm/base/fd.hpp"

namespace astra::inet::test {
using vmm::Fd;

/// The two namespaces. The thread that makes them is in the peer's from then on.
class Network {
  public:
    /// Empty when they are there, else what this machine lacks.
    std::string create();
    /// Makes both directions of the wire as tc-netem(8)'s `words` say; empty when it is, else tc's complaint.
    std::string impair(const std::string& words);
    [[nodiscard]] int tap() const { return tap_.get(); }

  private:
    Fd router_, tap_;
};

/// One end of a connection of the engine's as a program would use it: sends `out`, gathers what comes.
struct Program {
    Ref<tcp::Connection> connection;
    std::vector<u8> out, in;
    usize sent = 0;
    bool ends = true;  // once everything is sent
    bool ended = false;
    void turn();
    [[nodiscard]] bool over() const {
        return connection->receive_ended() && sent == out.size() && !connection->received();
    }
};

class Engine {
  public:
    explicit Engine(int tap);
    ~Engine();
    /// Does `body` with the engine locked and its clock right.
    template <class Body>
    void act(Body&& body) {
        std::lock_guard lock(mutex_);
        enter();
        body();
        wake();
    }
    /// Waits until `done`, which is looked at with the engine locked whenever something has happened; false
    /// after so many seconds.
    bool wait(int seconds, const std::function<bool()>& done);
    Program& add(Ref<tcp::Connection> connection, std::vector<u8> out);
    Program& connect(u16 port, std::vector<u8> out);
    /// Listens; every connection becomes a program that sends `out`.
    void listen(u16 port, std::vector<u8> out);

    Stack stack;
    std::vector<std::unique_ptr<Program>> programs;

  private:
    struct Tap final : Link {
        int fd = -1;
        void transmit(Own<Packet> frame) override;
    };
    struct Served {
        Ref<tcp::Listener> listener;
        std::vector<u8> out;
    };
    void enter();
    void wake();
    void run();
    u64 turn();
    Tap link_;
    std::vector<Served> served_;
    Fd wake_;
    std::mutex mutex_;
    std::condition_variable happened_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace astra::inet::test
