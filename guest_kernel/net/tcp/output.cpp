// Segments that leave: what to send, when, and how (RFC 9293, 3.8; RFC 896; RFC 1122, 4.2.3.4).
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
    // The first of what is lost goes out whatever the window says.
    if (const Range lost = flight_.first_lost(mss_); lost.begin != lost.end) {
        if (!std::exchange(resend_, false) && pipe() + mss_ > congestion_.window()) return false;
        send_again(lost);
        return true;
    }
    return send_new();
}

void Connection::send_again(Range range) {
    const bool fin = fin_queued_ && range.end == send_end();
    transmit(range.begin, range.size() - fin, static_cast<u8>(kAck | (fin ? kFin : 0)));
    flight_.resent(range, stack_.now());
    if (range.begin == unacknowledged_ || retransmit_at_ == kNever) arm_retransmit();
}

bool Connection::send_new() {
    if (!before(next_, send_end())) return false;
    const u32 data = after(data_end(), next_) ? data_end() - next_ : 0;
    const u32 edge = unacknowledged_ + window_;
    const u32 usable = after(edge, next_) ? edge - next_ : 0;
    const u32 in_flight = pipe(), window = congestion_.window();
    const bool idle = next_ == unacknowledged_;
    u32 length = std::min({data, sends_urgent() ? mss_ : burst_, usable});
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
    if (length < mss_ && !force_ && data > 0) {
        if (!last) {
            // The window leaves room for a crumb only (RFC 9293, 3.8.6.2.1).
            if (length < largest_window_ / 2) return idle ? wait(rtt_.timeout()) : false;
        } else if (!fin_queued_) {
            if (settings_.cork || more_) return wait(kCorkPatience);
            if (!settings_.no_delay && !idle && !sends_urgent()) return false;  // RFC 896
        }
    }
    const bool fin = fin_queued_ && last;
    transmit(next_, length, static_cast<u8>(kAck | (last && data > 0 ? kPsh : 0) | (fin ? kFin : 0)));
    flight_.add(next_, next_ + length + fin, stack_.now());
    next_ += length + fin;
    probe_at_ = kNever;
    if (retransmit_at_ == kNever) arm_retransmit();
    arm_tail_probe();
    return true;
}

void Connection::fill_ack(Header& header) {
    header.acknowledgement = receive_next_;
    if (sack_) {
        const usize most = timestamps_ ? Header::kMaxSack - 1 : Header::kMaxSack;
        if (twice_.size() > 0) header.sack[header.sack_count++] = std::exchange(twice_, {});  // RFC 2883, 4
        for (usize i = 0; i < sack_blocks_.count() && header.sack_count < most; i++)
            header.sack[header.sack_count++] = sack_blocks_[i];
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
    mark_urgent(header);
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
    if (before(sequence, next_) && (length > 0 || flags & (kFin | kSyn))) {
        retransmitted_++;
        stack_.counters.tcp_retransmitted++;
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

void Connection::send_ack() { transmit(next_, 0, kAck); }

void Connection::send_reset() { transmit(next_, 0, kRst | kAck); }

void Connection::maybe_ack() {
    if (ack_now_ && state_ != State::SynReceived) send_ack();
    ack_now_ = false;
}

}  // namespace astra::inet::tcp
