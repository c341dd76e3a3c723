// Segments that leave: what to send, when, and how (RFC 9293, 3.8; RFC 6675, 4; RFC 896; RFC 1122, 4.2.3.4).
#include <algorithm>

#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::inet::tcp {

namespace {
constexpr u64 kCorkPatience = 200'000'000;  // tcp(7), TCP_CORK
}

void Connection::output() {
    switch (state_) {
        case State::Established:
        case State::CloseWait:
        case State::FinWait1:
        case State::LastAck:
        case State::Closing: break;
        default: return;
    }
    while (send_next()) {}
    force_ = false;
}

bool Connection::send_next() {
    if (recovery_ == Recovery::Fast) {
        const bool first = retransmitted_to_ == unacknowledged_;
        if (first || pipe() + mss_ <= congestion_.window()) {
            if (retransmit_hole()) return true;
        } else {
            return false;
        }
    }
    return send_new();
}

/// What to send again next: NextSeg's rules 1 and 3 of RFC 6675.
bool Connection::next_hole(Range& out) const {
    if (!sack_) {
        // NewReno: the first segment, once for every part that is acknowledged.
        if (retransmitted_to_ != unacknowledged_) return false;
        out = {unacknowledged_, highest_};
        return true;
    }
    u32 hole = unacknowledged_;
    for (u32 i = 0; i < sacked_.count(); i++) {
        const u32 end = sacked_[i].begin;
        const u32 begin = later(hole, retransmitted_to_);
        if (before(begin, end) && (is_lost(end) || begin == unacknowledged_)) {
            out = {begin, end};
            return true;
        }
        hole = sacked_[i].end;
    }
    return false;
}

bool Connection::retransmit_hole() {
    Range hole;
    if (!next_hole(hole)) return false;
    const u32 data = after(data_end(), hole.begin) ? data_end() - hole.begin : 0;
    const u32 length = std::min({hole.end - hole.begin, mss_, data});
    const bool fin = fin_queued_ && hole.begin + length == data_end() && after(hole.end, data_end());
    if (length == 0 && !fin) return false;
    transmit(hole.begin, length, static_cast<u8>(kAck | (fin ? kFin : 0)));
    retransmitted_to_ = hole.begin + length + fin;
    repaired_at_ = highest_;
    arm_retransmit();
    return true;
}

bool Connection::send_new() {
    // After a timeout, what has arrived all the same is not sent again.
    u32 bound = burst_;
    if (before(next_, highest_)) {
        const u32 i = sacked_.find(next_);
        if (i < sacked_.count() && !before(next_, sacked_[i].begin)) next_ = sacked_[i].end;
        bound = mss_;
        const u32 following = sacked_.find(next_);
        if (following < sacked_.count() && before(next_, sacked_[following].begin))
            bound = std::min(bound, sacked_[following].begin - next_);
    }
    if (!before(next_, send_end())) return false;
    const u32 data = after(data_end(), next_) ? data_end() - next_ : 0;
    const u32 edge = unacknowledged_ + window_;
    const u32 usable = after(edge, next_) ? edge - next_ : 0;
    const u32 in_flight = pipe(), window = congestion_.window();
    const bool idle = next_ == unacknowledged_;
    u32 length = std::min({data, bound, usable});
    if (in_flight > 0) {
        const u32 room = window > in_flight ? window - in_flight : 0;
        if (room < std::min(length, mss_) || room == 0) return false;
        length = std::min(length, std::max(room, mss_));
    }
    if (length > mss_) length -= length % mss_;
    auto wait = [&](u64 patience) {
        if (probe_at_ == kNever) probe_at_ = stack_.now() + patience;
        return false;
    };
    if (data > 0 && length == 0) return idle ? wait(rtt_.timeout()) : false;
    const bool last = length == data;
    if (length < mss_ && next_ == highest_ && !force_ && data > 0) {
        if (!last) {
            // The window leaves room for a crumb only (RFC 9293, 3.8.6.2.1).
            if (length < largest_window_ / 2) return idle ? wait(rtt_.timeout()) : false;
        } else if (!fin_queued_) {
            if (settings_.cork || more_) return wait(kCorkPatience);
            if (!settings_.no_delay && !idle) return false;  // RFC 896
        }
    }
    const bool fin = fin_queued_ && last;
    transmit(next_, length, static_cast<u8>(kAck | (last && data > 0 ? kPsh : 0) | (fin ? kFin : 0)));
    next_ += length + fin;
    highest_ = later(highest_, next_);
    probe_at_ = kNever;
    if (retransmit_at_ == kNever) arm_retransmit();
    return true;
}

void Connection::fill_ack(Header& header) {
    header.acknowledgement = receive_next_;
    if (!ahead_.empty() && sack_) {
        // The newest first (RFC 2018, 4), as many as there is room for.
        const usize most = timestamps_ ? 3 : 4;
        RangeSet ranges;
        for (const Packet& packet : ahead_)
            ranges.add({packet.sequence, packet.sequence + static_cast<u32>(packet.size())});
        const u32 newest = ranges.find(newest_sack_.begin);
        for (u32 i = 0; i < ranges.count() && header.sack_count < most; i++) {
            const u32 at = (newest + i) % ranges.count();
            header.sack[header.sack_count++] = ranges[at];
        }
    }
    ack_now_ = ack_later_ = false;
    ack_at_ = kNever;
    unacked_segments_ = 0;
    last_ack_sent_ = receive_next_;
}

u32 Connection::receive_window() const {
    const u32 limit = settings_.receive_limit;
    return received_bytes_ < limit ? limit - static_cast<u32>(received_bytes_) : 0;
}

/// What the window field says. The right edge never moves to the left, and to the right only by steps worth
/// it.
u16 Connection::window_field(u8 flags) {
    const u32 shift = flags & kSyn ? 0 : receive_shift_;
    u32 edge = receive_next_ + receive_window();
    const u32 step = std::min(receive_mss_, settings_.receive_limit / 2);
    if (before(edge, advertised_ + step)) edge = advertised_;
    const u32 field = std::min((edge - receive_next_) >> shift, 0xffffu);
    advertised_ = later(advertised_, receive_next_ + (field << shift));
    return static_cast<u16>(field);
}

void Connection::transmit(u32 sequence, u32 length, u8 flags) {
    Header header{.source = local.port, .destination = remote.port, .sequence = sequence, .flags = flags};
    const bool syn = flags & kSyn;
    if (syn) {
        header.mss = static_cast<u16>(settings_.max_segment ? std::min(receive_mss_, settings_.max_segment)
                                                            : receive_mss_);
        header.has_window_shift = !(flags & kAck) || has_shift_;
        header.window_shift = receive_shift_;
        header.sack_permitted = !(flags & kAck) || sack_;
        header.has_timestamps = !(flags & kAck) || timestamps_;
    } else {
        header.has_timestamps = timestamps_;
    }
    if (header.has_timestamps) {
        header.timestamp = milliseconds();
        header.echo = flags & kAck ? recent_ : 0;
    }
    if (flags & kAck) {
        fill_ack(header);
        if (length > 0) header.sack_count = 0;  // room was reckoned without
        header.window = window_field(flags);
    } else {
        header.window = static_cast<u16>(std::min(receive_window(), 0xffffu));
    }
    auto made = Packet::make(length);
    if (!made) return;  // as if lost
    Packet& packet = **made;
    if (length > 0) queue_.copy(sequence - queue_begin_, packet.bytes());
    const usize header_length = length_of(header);
    write(header, packet.prepend(header_length));
    store16(packet.data() + 16,
            checksum_fold(Stack::pseudo_sum(local.address, remote.address, kTcp, header_length + length)));
    packet.partial_checksum = true;
    packet.checksum_offset = 16;
    if (length > mss_) packet.segment_size = static_cast<u16>(mss_);
    const bool again = before(sequence, highest_) && (length > 0 || flags & (kFin | kSyn));
    if (again) {
        timed_at_ = 0;
        retransmitted_++;
        stack_.counters.tcp_retransmitted++;
    } else if (!timed_at_ && (length > 0 || syn)) {
        timed_sequence_ = sequence + length + syn;
        timed_at_ = stack_.now();
    }
    if (length > 0) last_sent_ns_ = stack_.now();
    stack_.counters.tcp_sent++;
    // What cannot be sent now is sent again in time, as if it had been lost.
    (void)stack_.send(std::move(*made), {.from = local.address,
                                         .to = remote.address,
                                         .protocol = kTcp,
                                         .ttl = ttl,
                                         .traffic_class = traffic_class,
                                         .dont_fragment = true,
                                         .link = link});
}

void Connection::send_ack() { transmit(highest_, 0, kAck); }

void Connection::send_reset() { transmit(next_, 0, kRst | kAck); }

void Connection::maybe_ack() {
    if (ack_now_ && state_ != State::SynReceived) send_ack();
    ack_now_ = false;
}

}  // namespace astra::inet::tcp
