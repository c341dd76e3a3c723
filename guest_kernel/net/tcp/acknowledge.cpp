// What acknowledgements tell: progress, room, and loss (RFC 9293, 3.10.7.4; RFC 6675; RFC 6582).
#include <algorithm>

#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::inet::tcp {

bool Connection::process_ack(const Header& header, u32 length) {
    const u32 ack = header.acknowledgement;
    if (after(ack, highest_)) {
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
    const bool duplicate =
        ack == unacknowledged_ && length == 0 && !window_changed && highest_ != unacknowledged_;
    take_sack(header);
    if (after(ack, unacknowledged_)) acknowledged(ack, header);
    detect_loss(duplicate);
    return true;
}

void Connection::take_sack(const Header& header) {
    if (!sack_) return;
    for (u8 i = 0; i < header.sack_count; i++) {
        const Range range = header.sack[i];
        // Only what is outstanding: an earlier range is a duplicate's report (RFC 2883).
        if (after(range.begin, unacknowledged_) && before(range.begin, range.end) &&
            !after(range.end, highest_))
            sacked_.add(range);
    }
}

void Connection::acknowledged(u32 ack, const Header& header) {
    const u32 acked = ack - unacknowledged_;
    const u32 flight = next_ - unacknowledged_;
    if (timed_at_ && !before(ack, timed_sequence_)) {
        rtt_.sample(stack_.now() - timed_at_);
        timed_at_ = 0;
    } else if (timestamps_ && header.has_timestamps && header.echo && retries_ > 0) {
        // Timestamps tell which transmission is acknowledged (RFC 7323, 4), in milliseconds.
        const u32 elapsed = milliseconds() - header.echo;
        if (elapsed < 120'000) rtt_.sample(u64{elapsed} * 1'000'000);
    }
    const u32 data = std::min<u32>(ack - queue_begin_, static_cast<u32>(queue_.size()));
    queue_.drop_front(data);
    queue_begin_ += data;
    unacknowledged_ = ack;
    next_ = later(next_, ack);
    retransmitted_to_ = later(retransmitted_to_, ack);
    sacked_.advance(ack);
    duplicates_ = 0;
    retries_ = 0;
    rtt_.reset_backoff();
    if (recovery_ != Recovery::None && !before(ack, recovery_end_)) {
        recovery_ = Recovery::None;
    } else if (recovery_ != Recovery::Fast) {
        const u32 window = congestion_.window();
        const bool in_use = congestion_.slow_start() ? flight >= window / 2 : flight + 3 * mss_ >= window;
        if (in_use || recovery_ == Recovery::Timeout)
            congestion_.on_ack(acked, mss_, rtt_.smoothed(), stack_.now());
    }
    retransmit_at_ = kNever;
    if (highest_ != unacknowledged_) arm_retransmit();
    notify(kWritableChange);
}

/// IsLost of RFC 6675, for the hole that ends at `hole_end`. When nothing more is to be sent that could bring
/// further acknowledgements, all that follows the hole is enough (RFC 5827).
bool Connection::is_lost(u32 hole_end) const {
    const u32 first = sacked_.find(hole_end);
    if (sacked_.count() - first >= 3) return true;
    u32 bytes = 0;
    for (u32 i = first; i < sacked_.count(); i++) bytes += sacked_[i].end - sacked_[i].begin;
    if (bytes > 2 * mss_) return true;
    return bytes > 0 && send_end() == highest_ && highest_ - unacknowledged_ <= 4 * mss_ &&
           bytes >= highest_ - fin_queued_ - hole_end;
}

void Connection::detect_loss(bool duplicate) {
    if (state_ == State::Closed || highest_ == unacknowledged_) return;
    if (duplicate) duplicates_++;
    // New data that left after the last retransmission has arrived, and the hole is still there: the
    // retransmission was lost too.
    if (recovery_ == Recovery::Fast && sack_ && !sacked_.empty() && retransmitted_to_ != unacknowledged_ &&
        after(sacked_[sacked_.count() - 1].end, repaired_at_ + 2 * mss_))
        retransmitted_to_ = unacknowledged_;
    if (recovery_ != Recovery::None) return;
    const bool lost = sack_ ? !sacked_.empty() && is_lost(sacked_[0].begin) : duplicates_ >= 3;
    // Duplicates of what an earlier recovery sent twice are no news (RFC 6582, 3.2).
    if (lost && (sack_ || !before(unacknowledged_, recovery_end_))) enter_recovery();
}

void Connection::enter_recovery() {
    recovery_ = Recovery::Fast;
    recovery_end_ = highest_;
    retransmitted_to_ = unacknowledged_;
    congestion_.on_loss(mss_);
    timed_at_ = 0;
}

/// An estimate of the bytes in the network: SetPipe of RFC 6675.
u32 Connection::pipe() const {
    if (recovery_ == Recovery::Timeout)
        return next_ - unacknowledged_ - sacked_.bytes_within(unacknowledged_, next_);
    if (recovery_ == Recovery::None) return next_ - unacknowledged_ - sacked_.bytes();
    if (!sack_) {
        // Every duplicate acknowledgement stands for a segment that arrived; the first one is lost.
        const u32 gone = std::min(duplicates_, 0xffffu) * mss_ + mss_;
        const u32 flight = next_ - unacknowledged_;
        const u32 again = retransmitted_to_ - unacknowledged_;
        return (flight > gone ? flight - gone : 0) + again;
    }
    u32 bytes = 0, hole = unacknowledged_;
    for (u32 i = 0; i <= sacked_.count(); i++) {
        const u32 end = i < sacked_.count() ? sacked_[i].begin : highest_;
        if (before(hole, end)) {
            if (!is_lost(end)) bytes += end - hole;
            if (before(hole, retransmitted_to_)) bytes += earlier(end, retransmitted_to_) - hole;
        }
        if (i < sacked_.count()) hole = sacked_[i].end;
    }
    return bytes;
}

}  // namespace astra::inet::tcp
