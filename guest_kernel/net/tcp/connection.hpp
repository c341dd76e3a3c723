// One TCP connection (RFC 9293).
#pragma once
#include <optional>

#include "guest_kernel/net/stack/byte_queue.hpp"
#include "guest_kernel/net/stack/stack.hpp"
#include "guest_kernel/net/tcp/congestion.hpp"
#include "guest_kernel/net/tcp/flight.hpp"
#include "guest_kernel/net/tcp/header.hpp"
#include "guest_kernel/net/tcp/rtt.hpp"
#include "guest_kernel/net/tcp/sack_blocks.hpp"

namespace astra::inet::tcp {

class Listener;

/// Values of Linux's include/net/tcp_states.h, as TCP_INFO and /proc/net/tcp show them.
enum class State : u8 {
    Established = 1,
    SynSent,
    SynReceived,
    FinWait1,
    FinWait2,
    TimeWait,
    Closed,
    CloseWait,
    LastAck,
    Listen,
    Closing,
};

/// What sockets may set (tcp(7)).
struct Settings {
    bool no_delay = false;  // TCP_NODELAY
    bool cork = false;      // TCP_CORK
    bool quick_ack = false;
    bool keep_alive = false;  // SO_KEEPALIVE
    u32 keep_idle_s = 7200, keep_interval_s = 75, keep_probes = 9;
    u32 max_segment = 0;                                // TCP_MAXSEG; 0: what the link takes
    bool urgent_inline = false;                         // SO_OOBINLINE
    u32 user_timeout_ms = 0;                            // TCP_USER_TIMEOUT; 0: by retries
    u32 syn_retries = 6;                                // TCP_SYNCNT
    u32 send_limit = 1 << 20, receive_limit = 1 << 20;  // bytes that may wait
};

/// The mark an urgent pointer sets in what is received, and the byte there, which Linux takes out of line.
struct UrgentMark {
    /// Awaited: announced, and yet to come. Taken: read out of line.
    enum class State : u8 { None, Awaited, There, Taken } state = State::None;
    u8 byte = 0;
    u32 sequence = 0;
};

class Connection final : public Bound {
  public:
    Connection(Stack& stack, const Settings& settings);
    ~Connection() override;

    // What a socket does with it. All of these may send.
    /// Starts to connect; `remote`'s port is not 0. Errors: those of path_to and Ports::connect, EISCONN.
    Result<void> connect(const Endpoint& remote);
    /// Bytes that append() takes now.
    [[nodiscard]] usize send_room() const;
    /// Adds bytes to be sent (send_room() was more than 0). `more`: others follow soon (MSG_MORE). `urgent`:
    /// the last of them is (MSG_OOB).
    void append(Own<Packet> bytes, bool more, bool urgent = false);
    /// What was received and not consumed, in order; nullptr: nothing.
    [[nodiscard]] Packet* received() const { return received_.front(); }
    [[nodiscard]] Packet* next(Packet& packet) const { return received_.next(packet); }
    [[nodiscard]] usize received_bytes() const { return received_bytes_; }
    [[nodiscard]] usize unsent_bytes() const { return queue_.size(); }
    /// The program took so many bytes.
    void consume(usize bytes);
    [[nodiscard]] const UrgentMark& urgent() const { return urgent_; }
    /// Bytes between the `skip`th that was received and not consumed, and the urgent mark; ~0: it has no mark
    /// before it.
    [[nodiscard]] u32 bytes_to_mark(u32 skip = 0) const;
    /// The urgent byte was read out of line.
    void take_urgent() { urgent_.state = UrgentMark::State::Taken; }
    /// Sends no more after what is queued (FIN).
    void end_sending();
    /// The socket is gone: ends in order, or with a reset when data was lost on the way to the program.
    void close();
    /// Ends at once with a reset.
    void abort();
    void set(const Settings& settings);
    [[nodiscard]] const Settings& settings() const { return settings_; }

    [[nodiscard]] State state() const { return state_; }
    /// Nothing more will be received: FIN, reset, or never connected.
    [[nodiscard]] bool receive_ended() const;
    [[nodiscard]] bool send_ended() const { return fin_queued_ || state_ == State::Closed; }
    [[nodiscard]] int take_error() { return std::exchange(error_, 0); }
    [[nodiscard]] int error() const { return error_; }
    [[nodiscard]] bool is_connecting() const {
        return state_ == State::SynSent || state_ == State::SynReceived;
    }

    /// Is there anything the peer has yet to acknowledge, FIN included, or that has yet to be sent?
    [[nodiscard]] bool has_unsent() const {
        return state_ != State::Closed && state_ != State::TimeWait && !is_connecting() &&
               unacknowledged_ != send_end();
    }

    // For TCP_INFO, /proc/net/tcp and tests.
    [[nodiscard]] const RoundTrip& round_trip() const { return rtt_; }
    [[nodiscard]] const Congestion& congestion() const { return congestion_; }
    [[nodiscard]] u32 segment_size() const { return mss_; }
    [[nodiscard]] u32 retransmitted() const { return retransmitted_; }
    [[nodiscard]] u32 send_window() const { return window_; }
    [[nodiscard]] bool uses_sack() const { return sack_; }
    [[nodiscard]] bool uses_timestamps() const { return timestamps_; }
    [[nodiscard]] u8 send_shift() const { return send_shift_; }
    [[nodiscard]] u8 receive_shift() const { return receive_shift_; }
    [[nodiscard]] bool uses_shift() const { return has_shift_; }

    // For the stack and listeners.
    /// A segment for this connection; its header is still in front.
    void input(Own<Packet> packet, const Header& header, usize header_length);
    /// Begins as the answer to a SYN that `listener` got; when the answer was a cookie and has been
    /// acknowledged already, with that. Errors: ENOMEM, ENETUNREACH, EADDRINUSE.
    static Result<void> answer(Stack& stack, Listener& listener, const Packet& syn, const Header& header,
                               std::optional<u32> cookie);
    /// Was `sequence` sent and not acknowledged yet?
    [[nodiscard]] bool is_outstanding(u32 sequence) const {
        return !before(sequence, unacknowledged_) && before(sequence, next_);
    }
    void on_unreachable(Errno error, u32 mtu) override;
    ListNode accept_node;

  private:
    friend class Listener;
    friend void abandon(Bound& item);
    struct Timer : sched::TimerEvent {
        Connection* owner;
    };
    // connection.cpp
    Result<void> choose_segment_size();
    void begin(u32 peer_mss, std::optional<u32> initial);
    void take_syn_options(const Header& header);
    void finish(int error);
    void enter(State state);
    void time_wait();
    // input.cpp
    void input_syn_sent(Packet& packet, const Header& header);
    bool acceptable(const Header& header, u32 length) const;
    bool check(const Header& header, u32 length);
    void process(Own<Packet> packet, const Header& header);
    void process_fin();
    void accept_data(Own<Packet> packet, const Header& header);
    void queue_in_order(Own<Packet> packet);
    void queue_ahead(Own<Packet> packet);
    void deliver_ahead();
    // urgent.cpp
    void note_urgent(const Packet& packet, const Header& header);
    void mark_urgent(Header& header) const;
    [[nodiscard]] bool sends_urgent() const { return after(send_urgent_, unacknowledged_); }
    /// The sequence number of the first byte that was not consumed.
    [[nodiscard]] u32 read_next() const {
        return receive_next_ - fin_received_ - static_cast<u32>(received_bytes_);
    }
    void establish(const Header& header);
    // acknowledge.cpp
    bool process_ack(const Header& header, u32 length);
    bool take_sack(const Header& header, Flight::News& news);
    void end_tail_probe(const Header& header, bool twice, bool duplicate);
    void take_round_trip(const Header& header, const Flight::News& news);
    void acknowledged(const Header& header, Flight::News& news);
    void detect_loss(bool duplicate, bool progress);
    void enter_recovery();
    [[nodiscard]] u32 pipe() const;
    // output.cpp
    void output();
    bool send_next();
    void send_again(Range range);
    bool send_new();
    void transmit(u32 sequence, u32 length, u8 flags);
    void send_ack();
    void send_reset();
    void fill_ack(Header& header);
    [[nodiscard]] u32 receive_window() const;
    [[nodiscard]] u16 window_field(u8 flags);
    void maybe_ack();
    [[nodiscard]] u32 milliseconds() const {
        return static_cast<u32>(stack_.now() / 1'000'000) + clock_offset_;
    }
    // timers.cpp
    void set_timer();
    void on_timer();
    void on_retransmit();
    void on_tail();
    void on_probe();
    void on_keep_alive();
    void arm_retransmit();
    void arm_tail_probe();
    [[nodiscard]] bool given_up(u32 limit) const;

    [[nodiscard]] u32 data_end() const { return queue_begin_ + static_cast<u32>(queue_.size()); }
    /// The sequence number after all there is to send, FIN included.
    [[nodiscard]] u32 send_end() const { return data_end() + fin_queued_; }
    [[nodiscard]] bool synchronized() const { return state_ != State::SynSent && state_ != State::Closed; }

    static constexpr u64 kNever = Stack::kNever;
    Stack& stack_;
    Settings settings_;
    State state_ = State::Closed;
    int error_ = 0;
    Listener* listener_ = nullptr;  // that it was begotten by, until it is established
    bool orphan_ = false;           // its socket is gone

    // Sending (RFC 9293, 3.3.1).
    ByteQueue queue_;                                  // from queue_begin_ on
    u32 queue_begin_ = 0;                              // sequence number of its first byte
    u32 initial_ = 0, unacknowledged_ = 0, next_ = 0;  // ISS, SND.UNA, SND.NXT
    u32 window_ = 0, window_sequence_ = 0, window_ack_ = 0, largest_window_ = 0;  // SND.WND, WL1, WL2
    u32 mss_ = 536;  // of segments sent, options not counted in
    u32 peer_mss_ = 536;
    u32 burst_ = 536;   // what one packet carries at most: several segments when the link cuts them
    u32 path_mtu_ = 0;  // smaller than the link's, learned; 0: not
    u8 send_shift_ = 0, receive_shift_ = 0;
    bool has_shift_ = false, sack_ = false, timestamps_ = false;
    bool fin_queued_ = false, more_ = false;
    u32 send_urgent_ = 0;  // SND.UP: behind the last byte sent as urgent
    bool force_ = false;   // send a small segment that Nagle or the window would hold back, once

    // Loss (RFC 8985, RFC 6582, RFC 5681).
    Flight flight_;
    Congestion congestion_;
    RoundTrip rtt_;
    enum class Recovery : u8 { None, Fast, Timeout } recovery_ = Recovery::None;
    u32 recovery_end_ = 0;  // RecoveryPoint
    bool resend_ = false;   // one lost segment goes out whatever the window says
    u32 duplicates_ = 0, retransmitted_ = 0;
    bool tail_probed_ = false, tail_again_ = false;  // TLP.end_seq is set, TLP.is_retrans
    u32 tail_end_ = 0;
    u64 syn_sent_ns_ = 0;  // 0: more than once
    u64 last_sent_ns_ = 0;

    // Receiving.
    PacketList received_, ahead_;  // in order, not consumed; beyond a hole, by sequence number
    usize received_bytes_ = 0, ahead_bytes_ = 0;
    u32 receive_next_ = 0;  // RCV.NXT
    u32 advertised_ = 0;    // the right edge of the window, as the peer knows it
    u32 last_ack_sent_ = 0;
    u32 recent_ = 0;  // TS.Recent
    u64 recent_at_ns_ = 0;
    u32 clock_offset_ = 0;
    SackBlocks sack_blocks_;
    Range twice_{};  // twice_: what arrived again and is yet to be reported
    bool fin_received_ = false;
    UrgentMark urgent_;  // RCV.UP
    bool ack_now_ = false, ack_later_ = false;
    u32 unacked_segments_ = 0, quick_acks_ = 16;
    u32 receive_mss_ = 536;

    // Timers: one event for all.
    Timer timer_;
    u64 retransmit_at_ = kNever, loss_at_ = kNever, tail_at_ = kNever, probe_at_ = kNever, ack_at_ = kNever,
        keep_alive_at_ = kNever, end_at_ = kNever;
    u32 retries_ = 0, probes_ = 0, probe_backoff_ = 0;
    u64 first_retry_ns_ = 0;  // when the peer last fell silent
    u64 last_heard_ns_ = 0;
};

/// Ends a TCP item without a word to its peer: the stack itself ends.
void abandon(Bound& item);

/// A passive open: begets connections.
class Listener final : public Bound {
  public:
    Listener(Stack& stack, const Settings& settings) : Bound(kTcp), stack_(stack), settings_(settings) {}
    ~Listener() override;
    [[nodiscard]] bool listening() const override { return true; }
    u32 backlog = 0;
    /// Connections that wait to be accepted.
    [[nodiscard]] bool has_ready() const { return !ready_.empty(); }
    [[nodiscard]] u32 ready() const { return ready_count_; }
    /// The first; null when there is none.
    Ref<Connection> accept();
    /// Ends it, and connections nobody accepted.
    void close();
    [[nodiscard]] const Settings& settings() const { return settings_; }
    void set(const Settings& settings) { settings_ = settings; }

    // For connections and the stack.
    void input(const Packet& packet, const Header& header);
    /// Does `packet` acknowledge a cookie? Then it begets a connection, which takes it.
    bool take_cookie(Own<Packet>& packet, const Header& header, usize header_length);
    void established(Connection& connection);
    void gone(Connection& connection);

  private:
    friend class Connection;
    void send_cookie(const Packet& packet, const Header& header);
    static constexpr u32 kMaxHalfOpen = 1024;
    Stack& stack_;
    Settings settings_;
    // Holds references to both kinds.
    List<Connection, &Connection::accept_node> ready_, half_open_;
    u32 ready_count_ = 0, half_open_count_ = 0;
    u64 cookie_sent_ns_ = 0;  // the last one; 0: none yet
};

/// Answers a segment that belongs to no connection (RFC 9293, 3.5.2).
void refuse(Stack& stack, const Packet& packet, const Header& header, usize payload);

}  // namespace astra::inet::tcp
