// A connection's timers: retransmission (RFC 6298), zero-window probes, delayed acknowledgements, keep-alive,
// ends.
#include <algorithm>

#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::inet::tcp {

namespace {
// Linux's net.ipv4.tcp_retries2, tcp_orphan_retries, tcp_synack_retries.
constexpr u32 kMaxRetries = 15, kMaxOrphanRetries = 8, kMaxSynAckRetries = 5;
constexpr u64 kSecond = 1'000'000'000;
// What a tail probe leaves the peer for its answer: to one segment, which it may delay (WCDelAckT), and to
// several.
constexpr u64 kDelayedAck = 200'000'000, kLeastProbe = 2'000'000;
}  // namespace

/// Starts the retransmission timer anew, or stops it when there is nothing under way (RFC 6298, 5).
void Connection::arm_retransmit() {
    const bool needed = is_connecting() || !flight_.empty();
    retransmit_at_ = needed ? stack_.now() + rtt_.timeout() : kNever;
    arm_tail_probe();
}

/// The last segments of a flight have nothing behind them that would tell of their loss: one more is sent
/// long before the retransmission timer expires (RFC 8985, 7.2).
void Connection::arm_tail_probe() {
    tail_at_ = kNever;
    const bool wanted = sack_ && recovery_ == Recovery::None && !tail_probed_ && !flight_.empty() &&
                        flight_.sacked_bytes() == 0 && rtt_.smoothed() > 0;
    if (!wanted) return;
    const u64 at = stack_.now() + 2 * rtt_.smoothed() + (flight_.pipe() <= mss_ ? kDelayedAck : kLeastProbe);
    if (at < retransmit_at_) tail_at_ = at;
}

void Connection::set_timer() {
    const u64 next =
        std::min({retransmit_at_, loss_at_, tail_at_, probe_at_, ack_at_, keep_alive_at_, end_at_});
    if (next == kNever || state_ == State::Closed)
        stack_.disarm(timer_);
    else
        stack_.arm(timer_, next);
}

void Connection::on_timer() {
    const u64 now = stack_.now();
    auto due = [now](u64& at) { return at <= now ? (at = kNever, true) : false; };
    if (due(end_at_)) return finish(0);
    if (due(ack_at_) && ack_later_) {
        ack_now_ = true;
        maybe_ack();
    }
    if (due(loss_at_)) {
        detect_loss(false, false);
        output();
    }
    if (due(tail_at_)) on_tail();
    if (due(retransmit_at_)) on_retransmit();
    if (state_ != State::Closed && due(probe_at_)) on_probe();
    if (state_ != State::Closed && due(keep_alive_at_)) on_keep_alive();
    if (state_ != State::Closed) set_timer();
}

/// Has the peer been silent for too long?
bool Connection::given_up(u32 limit) const {
    if (settings_.user_timeout_ms && !orphan_)
        return stack_.now() - first_retry_ns_ >= u64{settings_.user_timeout_ms} * 1'000'000;
    return retries_ > (orphan_ ? std::min(limit, kMaxOrphanRetries) : limit);
}

void Connection::on_retransmit() {
    if (retries_++ == 0) first_retry_ns_ = stack_.now();
    const bool syn = is_connecting();
    const u32 limit = state_ == State::SynSent       ? settings_.syn_retries
                      : state_ == State::SynReceived ? kMaxSynAckRetries
                                                     : kMaxRetries;
    if (given_up(limit)) {
        if (syn) stack_.counters.tcp_failures++;
        return finish(static_cast<int>(Errno::kETIMEDOUT));
    }
    rtt_.back_off();
    syn_sent_ns_ = 0;
    if (syn) {
        transmit(initial_, 0, state_ == State::SynSent ? u8{kSyn} : u8{kSyn | kAck});
        return arm_retransmit();
    }
    congestion_.on_timeout(mss_, recovery_ != Recovery::Timeout);
    recovery_ = Recovery::Timeout;
    recovery_end_ = next_;
    duplicates_ = 0;
    tail_probed_ = false;
    loss_at_ = kNever;
    flight_.time_out(stack_.now(), rtt_.minimum(), rtt_.smoothed());
    resend_ = true;
    output();
    if (retransmit_at_ == kNever) arm_retransmit();
}

/// A tail loss probe: new data when there are some, else the last segment again (RFC 8985, 7.3).
void Connection::on_tail() {
    force_ = true;
    tail_again_ = !send_new();
    force_ = false;
    if (tail_again_) {
        const Range last = flight_.last(mss_);
        if (last.size() == 0) return;
        send_again(last);
    }
    tail_probed_ = true;
    tail_end_ = next_;
    arm_retransmit();
}

/// The window was closed, or held back what there was, for long enough.
void Connection::on_probe() {
    if (window_ > 0) {
        force_ = true;
        more_ = false;
        output();
        if (next_ != unacknowledged_ || !before(next_, send_end())) return;
    }
    if (queue_.size() == 0 && !fin_queued_) return;
    if (probes_++ >= (orphan_ ? kMaxOrphanRetries : kMaxRetries))
        return finish(static_cast<int>(Errno::kETIMEDOUT));
    transmit(unacknowledged_ - 1, 0, kAck);  // out of the window: the peer answers with what it is now
    probe_backoff_ += probe_backoff_ < 12;
    probe_at_ = stack_.now() + std::min(rtt_.timeout() << probe_backoff_, RoundTrip::kMaxTimeout);
}

void Connection::on_keep_alive() {
    if (!settings_.keep_alive) return;
    const u64 idle = u64{settings_.keep_idle_s} * kSecond,
              interval = u64{settings_.keep_interval_s} * kSecond;
    const u64 silent = stack_.now() - last_heard_ns_;
    if (silent < idle && probes_ == 0) {
        keep_alive_at_ = last_heard_ns_ + idle;
        return;
    }
    if (flight_.empty()) {
        if (probes_ >= settings_.keep_probes) {
            send_reset();
            return finish(static_cast<int>(Errno::kETIMEDOUT));
        }
        probes_++;
        transmit(unacknowledged_ - 1, 0, kAck);
    }
    keep_alive_at_ = stack_.now() + interval;
}

}  // namespace astra::inet::tcp
