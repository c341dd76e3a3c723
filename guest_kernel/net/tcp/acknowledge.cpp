// What acknowledgements tell: progress, room, and loss (RFC 9293, 3.10.7.4; RFC 8985; RFC 6582).
#include <algorithm>

#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::inet::tcp {

bool Connection::process_ack(const Header& header, u32 length) {
    const u32 ack = header.acknowledgement;
    if (after(ack, next_)) {
        ack_now_ = true;
        return false;
    }
    if (before(ack, unacknowledged_)) {
        // Older than any acknowledgement under way: somebody guesses (RFC 5961, 5.2).
        if (unacknowledged_ - ack <= std::max(largest_window_, mss_)) return true;
        ack_now_ = true;
        return false;
    }
    bool window_changed = false;
    if (before(window_sequence_, header.sequence) ||
        (window_sequence_ == header.sequence && !before(ack, window_ack_))) {
        const u32 window = u32{header.window} << send_shift_;
        window_changed = window != window_;
        window_ = window;
        largest_window_ = std::max(largest_window_, window);
        window_sequence_ = header.sequence;
        window_ack_ = ack;
        if (window_changed && window > 0) {
            probe_at_ = kNever;
            probe_backoff_ = 0;
        }
    }
    const bool duplicate = ack == unacknowledged_ && length == 0 && !window_changed && !flight_.empty();
    // In the order of sequence numbers, or it would look as if they had been reordered on their way.
    Flight::News news;
    const bool progress = after(ack, unacknowledged_);
    if (progress) flight_.acknowledge(ack, stack_.now(), rtt_.least_plausible(), news);
    const bool twice = take_sack(header, news);
    end_tail_probe(header, twice, duplicate);
    if (progress) acknowledged(header, news);
    detect_loss(duplicate, progress);
    return true;
}

/// True when the peer reports something that arrived twice (RFC 2883).
bool Connection::take_sack(const Header& header, Flight::News& news) {
    if (!sack_) return false;
    const std::span<const Range> told(header.sack, header.sack_count);
    const bool twice =
        !told.empty() && before(told[0].begin, told[0].end) && !after(told[0].end, header.acknowledgement);
    Range ranges[Header::kMaxSack];
    usize count = 0;
    for (const Range& range : told) {
        if (!before(range.begin, range.end) || after(range.end, next_) ||
            !after(range.begin, header.acknowledgement))
            continue;
        usize at = count++;
        for (; at > 0 && before(range.begin, ranges[at - 1].begin); at--) ranges[at] = ranges[at - 1];
        ranges[at] = range;
    }
    for (const Range& range : std::span(ranges, count))
        flight_.sack(range, stack_.now(), rtt_.least_plausible(), news);
    if (twice) flight_.duplicate_reported(header.acknowledgement, next_);
    return twice;
}

/// What the answer to a tail loss probe says (RFC 8985, 7.4).
void Connection::end_tail_probe(const Header& header, bool twice, bool duplicate) {
    if (!tail_probed_ || before(header.acknowledgement, tail_end_)) return;
    const bool beyond = after(header.acknowledgement, tail_end_);
    if (tail_again_ && !twice && !beyond && (!duplicate || header.sack_count > 0)) return;
    // The probe filled a hole nobody heard of: that loss counts as any other.
    if (tail_again_ && !twice && beyond && recovery_ == Recovery::None) congestion_.on_loss(mss_);
    tail_probed_ = false;
}

/// Samples the round trip. What was sent twice counts only when a timestamp tells that the last transmission
/// is meant: until something does, the timeout stays as far backed off as it is (RFC 6298, 3 and 5; RFC 7323,
/// 4).
void Connection::take_round_trip(const Header& header, const Flight::News& news) {
    if (!news.repaired_at_ns) {
        if (news.round_trip_ns) rtt_.sample(news.round_trip_ns);
        return;
    }
    if (!timestamps_ || !header.has_timestamps || !header.echo) return;
    const u64 elapsed = u64{milliseconds() - header.echo} * 1'000'000;
    if (elapsed < stack_.now() && stack_.now() - elapsed + 1'000'000 >= news.repaired_at_ns)
        rtt_.sample(elapsed);
}

void Connection::acknowledged(const Header& header, Flight::News& news) {
    const u32 ack = header.acknowledgement, acked = ack - unacknowledged_;
    const u32 flight = next_ - unacknowledged_;
    take_round_trip(header, news);
    const u32 data = std::min<u32>(ack - queue_begin_, static_cast<u32>(queue_.size()));
    queue_.drop_front(data);
    queue_begin_ += data;
    unacknowledged_ = ack;
    send_urgent_ = later(send_urgent_, ack);
    duplicates_ = 0;
    retries_ = 0;
    if (recovery_ != Recovery::None && !before(ack, recovery_end_)) {
        recovery_ = Recovery::None;
    } else if (recovery_ != Recovery::Fast) {
        const u32 window = congestion_.window();
        const bool in_use = congestion_.slow_start() ? flight >= window / 2 : flight + 3 * mss_ >= window;
        if (in_use || recovery_ == Recovery::Timeout)
            congestion_.on_ack(acked, mss_, rtt_.smoothed(), stack_.now());
    }
    arm_retransmit();
    notify(kWritableChange);
}

/// Looks for losses: by time when the peer acknowledges selectively (RFC 8985), else by duplicates (RFC
/// 6582). `progress`: the acknowledgement was a new one.
void Connection::detect_loss(bool duplicate, bool progress) {
    loss_at_ = kNever;
    if (state_ == State::Closed || flight_.empty()) return;
    if (sack_) {
        const bool impatient = recovery_ != Recovery::None || flight_.sacked_bytes() >= 3 * mss_;
        loss_at_ = flight_.detect_loss(stack_.now(), rtt_.minimum(), rtt_.smoothed(), impatient);
    } else {
        duplicates_ += duplicate;
        // Duplicates of what an earlier recovery sent twice are no news (RFC 6582, 3.2).
        const bool third =
            recovery_ == Recovery::None && duplicates_ >= 3 && !before(unacknowledged_, recovery_end_);
        const bool partial = recovery_ == Recovery::Fast && progress;
        if (third || partial) flight_.lose_first(mss_);
    }
    if (recovery_ == Recovery::None && flight_.lost_bytes() > 0) enter_recovery();
}

void Connection::enter_recovery() {
    recovery_ = Recovery::Fast;
    recovery_end_ = next_;
    resend_ = true;
    tail_at_ = kNever;
    congestion_.on_loss(mss_);
}

/// An estimate of the bytes in the network. Without selective acknowledgements every duplicate stands for a
/// segment that arrived.
u32 Connection::pipe() const {
    const u32 pipe = flight_.pipe();
    return pipe - std::min(pipe, std::min(duplicates_, 0xffffu) * mss_);
}

}  // namespace astra::inet::tcp
