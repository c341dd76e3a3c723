// The host's end of the control port: one per guest. Starts programs, carries their input, output and
// signals, and holds the guest to the protocol.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vmm/base/fd.hpp"
#include "vmm/control/send_queue.hpp"

namespace astra::vmm {

struct SpawnRequest {
    std::string workdir;
    std::vector<std::string> arguments;    // the first names the program
    std::vector<std::string> environment;  // "NAME=value"
    abi::control::StdioMode stdio = abi::control::StdioMode::Streams;
    u16 rows = 0, columns = 0;  // of the terminal, when stdio is one
};

/// The payload of the Spawn frame that asks for it. Errors: InvalidArgument when a string has a NUL in it, or
/// arguments and environment do not fit into one frame.
[[nodiscard]] Result<std::vector<u8>> encode_spawn(const SpawnRequest& request);

/// What a session reports. Called from Session::receive() only. `tag` is the one spawn() was given. The
/// default implementations ignore.
class SessionEvents {
  public:
    virtual ~SessionEvents() = default;
    virtual void on_hello(const abi::control::HelloMessage&) {}
    virtual void on_started(u64 tag, const abi::control::StartedMessage&) { (void)tag; }
    virtual void on_spawn_failed(u64 tag, u32 error) { (void)tag, (void)error; }
    virtual void on_output(u64 tag, u32 stream, std::span<const u8> bytes) {
        (void)tag, (void)stream, (void)bytes;
    }
    /// The program took `bytes` of its input: so much more may be sent.
    virtual void on_credit(u64 tag, u32 bytes) { (void)tag, (void)bytes; }
    virtual void on_exited(u64 tag, const abi::control::ExitedMessage&) { (void)tag; }
    virtual void on_out_of_memory(const abi::control::OutOfMemoryMessage&, std::string_view victim) {
        (void)victim;
    }
    virtual void on_panicked(const abi::control::PanickedMessage&, std::string_view report) { (void)report; }
    /// The guest's answer to a file call; `payload` is a FileReplyMessage and what follows it.
    virtual void on_file_reply(u64 tag, std::span<const u8> payload) { (void)tag, (void)payload; }
    virtual void on_wrong_build(const abi::control::WrongBuildMessage&) {}
};

/// Non-blocking and single-threaded: poll fd() for reading, and for writing while wants_write(). Frames are
/// queued by the calls below and leave with flush(). The queue stays small however slow the guest is: input
/// is windowed (at most kStreamWindow bytes of a program's are under way), signals and sizes beyond
/// kMostQueued are kept as state, and what starts something new should not be called while crowded().
class Session {
  public:
    static constexpr usize kMostQueued = usize{1} << 20;  // bytes

    /// `socket` is a connected stream socket; `events` must outlive the session.
    Session(Fd socket, SessionEvents& events) : socket_(std::move(socket)), events_(events) {}

    [[nodiscard]] int fd() const { return socket_.get(); }
    [[nodiscard]] bool wants_write() const { return queue_.size() > 0; }
    /// The guest has not taken what was queued before: no time for more calls and programs.
    [[nodiscard]] bool crowded() const { return queue_.size() > kMostQueued; }

    enum class Peer { Open, Closed };
    /// Takes what has arrived (a bounded amount per call) and reports it. Closed: the guest's end is gone,
    /// all it had sent has been reported. Errors: Corrupt when the guest breaks the protocol; the session is
    /// over then.
    [[nodiscard]] Result<Peer> receive();
    /// Sends what the socket takes. A peer that is gone is not an error here: receive() tells.
    [[nodiscard]] Result<void> flush();

    /// Asks for a program to be started; `tag` must not belong to one that was asked for or runs. Errors:
    /// encode_spawn()'s.
    [[nodiscard]] Result<void> spawn(u64 tag, const SpawnRequest& request);
    /// The same with what encode_spawn() yielded.
    void spawn_encoded(u64 tag, std::span<const u8> request);
    /// Bytes send_input() takes now; 0 for programs that are not running or whose input has ended.
    [[nodiscard]] usize input_capacity(u64 tag) const;
    /// Queues the first bytes of `bytes`, at most input_capacity(); returns how many.
    usize send_input(u64 tag, std::span<const u8> bytes);
    void end_input(u64 tag);
    /// `number` as in Linux x86-64. False when no such program runs. While crowded(), the same signal is kept
    /// for a program once, as a pending signal is.
    bool signal(u64 tag, u32 number);
    void resize(u64 tag, u16 rows, u16 columns);
    /// Asks for something to be done with the guest's files; `call` is a FileCall frame's payload. Every call
    /// is answered, in their order; no two under way may have the same tag.
    void call_files(u64 tag, std::span<const u8> call);
    void shutdown();

  private:
    struct Program {
        /// Ended programs stay known: what their children still write, and credit under way, is dropped.
        enum class State { Asked, Running, Ended } state = State::Asked;
        bool input_ended = false;
        u32 window = abi::control::kStreamWindow;  // input bytes that may still be sent
        // Not queued yet, for want of room.
        std::set<u32> signals{};
        std::optional<abi::control::ResizeMessage> size{};
    };
    void queue_pending();
    [[nodiscard]] Result<void> dispatch(const Frame& frame);
    [[nodiscard]] Result<void> dispatch_to_program(const Frame& frame);
    [[nodiscard]] Result<void> take_hello(const Frame& frame);
    [[nodiscard]] const Program* running(u64 tag) const;
    [[nodiscard]] Result<void> take_credit(u64 tag, Program& program,
                                           const abi::control::CreditMessage& credit);

    Fd socket_;
    SessionEvents& events_;
    FrameParser parser_;
    std::map<u64, Program> programs_;  // by tag
    std::set<u64> file_calls_;         // tags of those that were not answered yet
    SendQueue queue_;
    bool greeted_ = false;
    bool pending_ = false;  // some program has signals or a size that are not queued yet
};

}  // namespace astra::vmm
