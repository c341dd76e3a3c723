// Segments that arrive (RFC 9293, 3.10.7, with RFC 5961's caution).
#include <algorithm>

#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::inet::tcp {

namespace {
constexpr u64 kAckDelay = 40'000'000;                             // Linux's TCP_DELACK_MIN
constexpr u64 kRecentLife = u64{24} * 24 * 3600 * 1'000'000'000;  // RFC 7323, 5.5
constexpr u64 kFinTimeout = 60'000'000'000;
}  // namespace

void Connection::input(Own<Packet> packet, const Header& header, usize header_length) {
    packet->strip(header_length);
    last_heard_ns_ = stack_.now();
    probes_ = 0;
    if (state_ == State::Closed) return refuse(stack_, *packet, header, packet->size());
    if (state_ == State::SynSent)
        input_syn_sent(*packet, header);
    else
        process(std::move(packet), header);
    if (state_ == State::Closed) return;
    output();
    maybe_ack();
    set_timer();
}

void Connection::input_syn_sent(Packet& packet, const Header& header) {
    const bool ack = header.flags & kAck;
    if (ack && (header.acknowledgement != next_)) return refuse(stack_, packet, header, packet.size());
    if (header.flags & kRst) {
        if (!ack) return;
        stack_.counters.tcp_failures++;
        return finish(static_cast<int>(Errno::kECONNREFUSED));
    }
    if (!(header.flags & kSyn)) return;
    take_syn_options(header);
    if (!choose_segment_size()) return;
    if (ack) {
        unacknowledged_ = header.acknowledgement;
        retransmit_at_ = kNever;
        retries_ = 0;
        if (syn_sent_ns_) rtt_.sample(stack_.now() - syn_sent_ns_);
        ack_now_ = true;
        return establish(header);
    }
    // Both opened at once.
    state_ = State::SynReceived;
    transmit(initial_, 0, kSyn | kAck);
}

/// RFC 9293, table 6.
bool Connection::acceptable(const Header& header, u32 length) const {
    const u32 first = header.sequence, window = advertised_ - receive_next_;
    auto inside = [&](u32 sequence) {
        return !before(sequence, receive_next_) && before(sequence, receive_next_ + window);
    };
    if (length == 0) return window == 0 ? first == receive_next_ : inside(first) || first == receive_next_;
    if (window == 0) return false;
    return inside(first) || inside(first + length - 1);
}

/// The checks before a segment's contents count. False: it is dropped.
bool Connection::check(const Header& header, u32 length) {
    const bool reset = header.flags & kRst;
    if (timestamps_ && header.has_timestamps && before(header.timestamp, recent_) && !reset &&
        stack_.now() - recent_at_ns_ < kRecentLife) {
        ack_now_ = true;
        return false;
    }
    if (!acceptable(header, length)) {
        if (state_ == State::SynReceived && header.flags & kSyn && header.sequence + 1 == receive_next_)
            transmit(initial_, 0, kSyn | kAck);
        else if (!reset)
            ack_now_ = true;
        if (length > 0 && !after(header.sequence + length, receive_next_))
            twice_ = {header.sequence, header.sequence + length};
        if (state_ == State::TimeWait && header.flags & kFin) time_wait();
        return false;
    }
    if (reset) {
        if (header.sequence != receive_next_) {
            ack_now_ = true;  // a challenge (RFC 5961, 3.2)
            return false;
        }
        stack_.counters.tcp_resets++;
        switch (state_) {
            case State::SynReceived: finish(static_cast<int>(Errno::kECONNREFUSED)); break;
            case State::CloseWait: finish(static_cast<int>(Errno::kEPIPE)); break;
            case State::TimeWait: finish(0); break;
            default: finish(static_cast<int>(Errno::kECONNRESET));
        }
        return false;
    }
    if (header.flags & kSyn) {
        ack_now_ = true;  // RFC 5961, 4.2
        return false;
    }
    return header.flags & kAck;
}

void Connection::establish(const Header& header) {
    window_ = state_ == State::SynSent ? header.window : u32{header.window} << send_shift_;
    largest_window_ = std::max(largest_window_, window_);
    window_sequence_ = header.sequence;
    window_ack_ = header.acknowledgement;
    congestion_.start(mss_);
    if (settings_.keep_alive) keep_alive_at_ = stack_.now() + u64{settings_.keep_idle_s} * 1'000'000'000;
    enter(fin_queued_ ? State::FinWait1 : State::Established);
    if (listener_) std::exchange(listener_, nullptr)->established(*this);
}

void Connection::process(Own<Packet> packet, const Header& header) {
    const u32 length =
        static_cast<u32>(packet->size()) + ((header.flags & kSyn) != 0) + ((header.flags & kFin) != 0);
    if (!check(header, length)) return;
    if (timestamps_ && header.has_timestamps && !after(header.sequence, last_ack_sent_)) {
        recent_ = header.timestamp;
        recent_at_ns_ = stack_.now();
    }
    if (state_ == State::SynReceived) {
        if (!after(header.acknowledgement, unacknowledged_) || after(header.acknowledgement, next_))
            return refuse(stack_, *packet, header, packet->size());
        unacknowledged_ = header.acknowledgement;
        retransmit_at_ = kNever;
        retries_ = 0;
        if (syn_sent_ns_) rtt_.sample(stack_.now() - syn_sent_ns_);
        establish(header);
    } else if (!process_ack(header, length)) {
        return;
    }
    const bool fin_acknowledged = fin_queued_ && unacknowledged_ == send_end();
    if (fin_acknowledged && state_ == State::FinWait1) {
        enter(State::FinWait2);
        if (orphan_) end_at_ = stack_.now() + kFinTimeout;
    } else if (fin_acknowledged && state_ == State::Closing) {
        time_wait();
    } else if (fin_acknowledged && state_ == State::LastAck) {
        return finish(0);
    }
    const bool open = state_ == State::Established || state_ == State::FinWait1 || state_ == State::FinWait2;
    if (open && (header.flags & kUrg || urgent_.state == UrgentMark::State::Awaited))
        note_urgent(*packet, header);
    if (length == 0) return;
    if (!open) {
        ack_now_ = true;
        return;
    }
    if (orphan_ && packet->size() > 0 &&
        after(header.sequence + static_cast<u32>(packet->size()), receive_next_))
        return abort();  // nobody will ever read it (RFC 9293, 3.10.4; RFC 2525, 2.17)
    accept_data(std::move(packet), header);
}

void Connection::accept_data(Own<Packet> packet, const Header& header) {
    packet->sequence = header.sequence;
    packet->fin = header.flags & kFin;
    if (before(packet->sequence, receive_next_)) {
        const u32 old = receive_next_ - packet->sequence;
        ack_now_ = true;
        twice_ = {packet->sequence, packet->sequence + std::min(old, static_cast<u32>(packet->size()))};
        if (old > packet->size() || (old == packet->size() && !packet->fin)) return;
        packet->strip(old);
        packet->sequence = receive_next_;
    }
    const u32 room = advertised_ - packet->sequence;
    if (packet->size() > room) {
        packet->trim(room);
        packet->fin = false;
    }
    if (packet->sequence != receive_next_) {
        ack_now_ = true;
        return queue_ahead(std::move(packet));
    }
    const bool filled_hole = !ahead_.empty();
    queue_in_order(std::move(packet));
    deliver_ahead();
    sack_blocks_.advance(receive_next_);
    if (state_ == State::Closed) return;
    notify(kReadableChange);
    if (filled_hole || fin_received_ || quick_acks_ > 0 || settings_.quick_ack || ++unacked_segments_ >= 2) {
        ack_now_ = true;
        quick_acks_ -= quick_acks_ > 0;
    } else if (!ack_later_) {
        ack_later_ = true;
        ack_at_ = stack_.now() + kAckDelay;
    }
}

void Connection::queue_in_order(Own<Packet> packet) {
    const usize size = packet->size();
    const bool fin = packet->fin;
    receive_next_ += static_cast<u32>(size);
    received_bytes_ += size;
    Packet* last = received_.back();
    if (size > 0 && last && last->tailroom() >= size) {
        last->append(packet->bytes());
    } else if (size > 0 && size < 512 && last && last->tailroom() < size) {
        // Small segments are gathered, or the memory they take would have little to do with the window.
        constexpr usize kGathered = 2048;
        auto gathered = Packet::make(kGathered, 0);
        if (gathered) {
            (*gathered)->trim(0);
            (*gathered)->append(packet->bytes());
            received_.push_back(*gathered->leak());
        } else {
            received_.push_back(*packet.leak());
        }
    } else if (size > 0) {
        received_.push_back(*packet.leak());
    }
    if (fin) process_fin();
}

void Connection::process_fin() {
    receive_next_++;
    fin_received_ = true;
    ack_now_ = true;
    drop(ahead_);
    ahead_bytes_ = 0;
    switch (state_) {
        case State::Established: return enter(State::CloseWait);
        case State::FinWait1: return enter(State::Closing);  // its FIN is not acknowledged yet
        case State::FinWait2: return time_wait();
        default: return;
    }
}

/// Keeps a segment that came before one that is missing. Overlaps are cut from the newcomer.
void Connection::queue_ahead(Own<Packet> packet) {
    Packet* at = ahead_.front();
    while (at && !after(at->sequence, packet->sequence)) {
        const u32 end = at->sequence + static_cast<u32>(at->size());
        if (after(end, packet->sequence)) {
            const u32 covered = end - packet->sequence;
            sack_blocks_.add({at->sequence, end});
            twice_ = {packet->sequence,
                      packet->sequence + std::min(covered, static_cast<u32>(packet->size()))};
            if (covered >= packet->size()) return;
            packet->strip(covered);
            packet->sequence = end;
        }
        at = ahead_.next(*at);
    }
    if (at && after(packet->sequence + static_cast<u32>(packet->size()), at->sequence)) {
        packet->trim(at->sequence - packet->sequence);
        packet->fin = false;
    }
    if (packet->size() == 0 && !packet->fin) return;
    sack_blocks_.add({packet->sequence, packet->sequence + static_cast<u32>(packet->size())});
    ahead_bytes_ += packet->size();
    if (at)
        ahead_.insert_before(*at, *packet.leak());
    else
        ahead_.push_back(*packet.leak());
}

void Connection::deliver_ahead() {
    while (Packet* first = ahead_.front()) {
        if (after(first->sequence, receive_next_)) return;
        ahead_.remove(*first);
        ahead_bytes_ -= first->size();
        Own<Packet> packet(first);
        const u32 old = receive_next_ - packet->sequence;
        if (old > packet->size()) continue;
        packet->strip(old);
        queue_in_order(std::move(packet));
    }
}

}  // namespace astra::inet::tcp
