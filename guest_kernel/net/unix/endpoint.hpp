// One end of Unix sockets' communication: what is shared by the open socket and those connected to it.
#pragma once
#include "guest_kernel/net/socket.hpp"
#include "guest_kernel/net/unix/message.hpp"
#include "guest_kernel/net/unix/names.hpp"

namespace astra::net {

class Link;

/// The receiving queue of a socket and the state of its connection. It outlives its file while others are
/// connected to it. Connection requests are messages too: each carries the accepted socket as its one file.
class Endpoint final : public RefCounted {
  public:
    enum class State : u8 { Idle, Listening, Connected };

    explicit Endpoint(SocketType kind);
    ~Endpoint() override;
    const SocketType type;
    [[nodiscard]] bool has_connections() const { return type != kDatagram; }

    /// What it is connected to and called.
    struct Links {
        Ref<Link> link;      // null: not connected
        Ref<UnixName> name;  // null: unnamed
        abi::UCred peer_credentials{0, ~0u, ~0u};
    };
    sched::SpinLocked<Links, sched::Rank::FileRegistry> links;
    [[nodiscard]] Ref<Link> link() {
        return links.with([](Links& l) { return l.link; });
    }
    [[nodiscard]] Ref<UnixName> name() {
        return links.with([](Links& l) { return l.name; });
    }

    std::atomic<State> state{State::Idle};
    std::atomic<u32> ended{0};    // Shutdown bits
    std::atomic<int> error{0};    // errno for the next call that asks; 0: none
    std::atomic<u32> backlog{0};  // when listening
    std::atomic<bool> closed{false};
    std::atomic<bool> accepted{true};  // false: connected to, and waits in a listener's queue

    /// Room for one more message of a sender that may have `limit` bytes waiting here?
    [[nodiscard]] bool has_room(const Endpoint& sender, usize limit);
    /// Is there so much room that poll(2) should say so?
    [[nodiscard]] bool has_ample_room(const Endpoint& sender, usize limit);

    /// Puts `message` at the end of this endpoint's queue, waiting for room. `commit` runs just before, with
    /// the queue locked; its error is returned and nothing sent. Errors: EPIPE (nobody will receive it, or
    /// `sender` ended sending), EAGAIN, EINTR, kRestartSys.
    template <class Commit>
    Result<void> enqueue(Own<Message> message, Endpoint& sender, usize limit, const Patience& patience,
                         Commit&& commit) {
        for (;;) {
            {
                auto queue = incoming.lock();
                if (refuses() || sender.ended & kSendEnded) return fail(Errno::kEPIPE);
                if (has_room(sender, limit)) {
                    TRY(commit());
                    add(*queue, std::move(message));
                    break;
                }
            }
            TRY(patience.wait(
                room, [&] { return has_room(sender, limit) || refuses() || sender.ended & kSendEnded; }));
        }
        announce_readable();
        return {};
    }
    /// Takes the first message out, which `queue` (the locked incoming) has.
    Own<Message> take_first(MessageList& queue);
    /// Room was made: tells those who wait to send.
    void announce_room() { room.wake_all(fs::kPollWritable); }
    /// Something other than the queue changed: tells everyone.
    void announce_change();
    /// Ends directions (Shutdown bits), and the peer's matching ones when there is a connection.
    void end(u32 what);
    /// The file is gone: nothing is received any more, and the peer learns of it.
    void close();

    /// Poll bits; `limit`: the socket's send buffer.
    [[nodiscard]] u32 poll(usize limit);
    /// Bytes that wait to be received, as FIONREAD counts them: of datagrams those of the first.
    [[nodiscard]] usize readable_bytes();
    /// Memory of the messages that wait here.
    [[nodiscard]] usize waiting_bytes() const { return cost_; }
    [[nodiscard]] bool has_messages() const { return count_ > 0; }

    sched::MutexLocked<MessageList, sched::Rank::Pipe> incoming;
    sched::WaitQueue readable, room;  // where receivers and senders sleep
    sched::WaitQueue pollers;

  private:
    [[nodiscard]] bool refuses() const { return closed || ended & kReceiveEnded; }
    void add(MessageList& queue, Own<Message> message);
    void announce_readable();
    std::atomic<usize> count_{0}, cost_{0};  // changed with the queue locked
};

/// A connection as one end has it: keeps the other's endpoint, and passes news of room there on to those who
/// poll this end.
class Link final : public RefCounted {
  public:
    Link(Endpoint& owner, Endpoint& to);
    ~Link() override;
    [[nodiscard]] Endpoint& peer() const { return *peer_; }

  private:
    struct Watch : sched::Waiter {
        Endpoint* owner;
    };
    Watch watch_;
    const Ref<Endpoint> peer_;
};

}  // namespace astra::net
