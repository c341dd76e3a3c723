// The scoreboard, and loss by time. Section numbers are RFC 8985's.
#include "guest_kernel/net/tcp/flight.hpp"

#include <algorithm>

namespace astra::inet::tcp {

namespace {
constexpr u32 kMaxWindowSteps = 20;
u64 elapsed(u64 now_ns, u64 since_ns) { return now_ns > since_ns ? now_ns - since_ns : 1; }
}  // namespace

/// The time at which a segment leaves: no two leave at once, so that times tell their order.
u64 Flight::stamp(u64 now_ns) { return latest_ns_ = std::max(now_ns, latest_ns_ + 1); }

void Flight::add(u32 begin, u32 end, u64 now_ns) {
    if (empty()) {
        foremost_ = begin;
        window_step_at_ = begin;
    }
    total_ += end - begin;
    if (sent_.push_back({.begin = begin, .end = end, .at_ns = stamp(now_ns)})) return;
    // No memory: it shares the record of what left before it (prepare() has seen to the first), which is then
    // held for lost later than it might.
    Sent& last = sent_.back();
    if (last.sacked) sacked_ -= last.size();
    if (last.lost) lost_ -= last.size();
    last = {.begin = last.begin, .end = end, .at_ns = latest_ns_, .again = last.again};
}

/// The record that `sequence` is in, or the first behind it.
usize Flight::find(u32 sequence) const {
    usize low = head_, high = sent_.size();
    while (low < high) {
        const usize middle = (low + high) / 2;
        if (after(sent_[middle].end, sequence))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/// Makes a record begin at `sequence`, within record `at`. False: no memory.
bool Flight::split(usize at, u32 sequence) {
    Sent rest = sent_[at];
    rest.begin = sequence;
    if (!sent_.insert(at + 1, rest)) return false;
    sent_[at].end = sequence;
    return true;
}

void Flight::lose(Sent& sent) {
    sent.lost = true;
    lost_ += sent.size();
}

/// 6.2, steps 2 and 3.
void Flight::deliver(const Sent& sent, u64 now_ns, u64 least_rtt_ns) {
    if (after(sent.end, foremost_))
        foremost_ = sent.end;
    else if (before(sent.end, foremost_) && !sent.again)
        reordering_seen_ = true;
    const u64 rtt = elapsed(now_ns, sent.at_ns);
    if (sent.again && rtt < least_rtt_ns) return;  // it was the first transmission that arrived
    if (sent.at_ns <= arrived_at_ns_) return;
    arrived_at_ns_ = sent.at_ns;
    arrived_rtt_ns_ = rtt;
}

void Flight::acknowledge(u32 ack, u64 now_ns, u64 least_rtt_ns, News& news) {
    while (!empty() && before(sent_[head_].begin, ack)) {
        Sent& first = sent_[head_];
        const u32 bytes = earlier(first.end, ack) - first.begin;
        Sent part = first;
        part.end = first.begin + bytes;
        if (first.sacked) {
            sacked_ -= bytes;
        } else {
            deliver(part, now_ns, least_rtt_ns);
            if (!first.again && news.round_trip_ns == 0) news.round_trip_ns = elapsed(now_ns, first.at_ns);
        }
        // What is acknowledged only now that a hole is filled may have arrived long ago.
        if (first.again) news.repaired_at_ns = std::max(news.repaired_at_ns, first.at_ns);
        if (first.lost) lost_ -= bytes;
        total_ -= bytes;
        first.begin += bytes;
        if (first.size() == 0) head_++;
    }
    if (!empty() && (head_ < 32 || head_ * 2 < sent_.size())) return;
    const usize left = sent_.size() - head_;
    std::copy(sent_.begin() + head_, sent_.end(), sent_.begin());
    while (sent_.size() > left) sent_.pop_back();
    head_ = 0;
}

void Flight::sack(Range range, u64 now_ns, u64 least_rtt_ns, News& news) {
    for (usize i = find(range.begin); i < sent_.size() && before(sent_[i].begin, range.end); i++) {
        if (sent_[i].sacked) continue;
        if (before(sent_[i].begin, range.begin)) {
            if (!split(i, range.begin)) return;  // forgotten: costs a retransmission at most
            continue;
        }
        if (after(sent_[i].end, range.end) && !split(i, range.end)) return;
        Sent& sent = sent_[i];
        deliver(sent, now_ns, least_rtt_ns);
        if (!sent.again && news.round_trip_ns == 0) news.round_trip_ns = elapsed(now_ns, sent.at_ns);
        if (std::exchange(sent.lost, false)) lost_ -= sent.size();
        sent.sacked = true;
        sacked_ += sent.size();
    }
}

/// 6.2, step 4: once in a round trip.
void Flight::duplicate_reported(u32 acknowledged, u32 next) {
    if (before(acknowledged, window_step_at_)) return;
    window_steps_ = std::min(window_steps_ + 1, kMaxWindowSteps);
    window_step_at_ = next;
}

Range Flight::first_lost(u32 most) const {
    if (lost_ == 0) return {};
    for (usize i = head_; i < sent_.size(); i++)
        if (sent_[i].lost) return {sent_[i].begin, sent_[i].begin + std::min(sent_[i].size(), most)};
    return {};
}

Range Flight::last(u32 most) const {
    if (empty()) return {};
    const Sent& last = sent_[sent_.size() - 1];
    return {last.end - std::min(last.size(), most), last.end};
}

void Flight::resent(Range range, u64 now_ns) {
    usize i = find(range.begin);
    if (i == sent_.size()) return;
    // Without memory for a split the whole record counts as sent again: what of it was not is found lost
    // later.
    if (before(sent_[i].begin, range.begin) && split(i, range.begin)) i++;
    if (after(sent_[i].end, range.end)) (void)split(i, range.end);
    Sent& sent = sent_[i];
    if (std::exchange(sent.lost, false)) lost_ -= sent.size();
    if (std::exchange(sent.sacked, false)) sacked_ -= sent.size();
    sent.again = true;
    sent.at_ns = stamp(now_ns);
}

u64 Flight::reordering_window(u64 minimum_rtt_ns, u64 smoothed_ns, bool impatient) const {
    if (!reordering_seen_ && impatient) return 0;
    return std::min(u64{window_steps_} * (minimum_rtt_ns / 4), smoothed_ns);
}

u64 Flight::detect_loss(u64 now_ns, u64 minimum_rtt_ns, u64 smoothed_ns, bool impatient) {
    u64 next = ~u64{0};
    if (arrived_at_ns_ == 0) return next;
    const u64 patience = arrived_rtt_ns_ + reordering_window(minimum_rtt_ns, smoothed_ns, impatient);
    for (usize i = head_; i < sent_.size(); i++) {
        Sent& sent = sent_[i];
        if (sent.sacked || sent.lost) continue;
        // Nothing behind a segment that was sent only once left before it.
        if (sent.at_ns >= arrived_at_ns_) {
            if (!sent.again) break;
            continue;
        }
        if (sent.at_ns + patience <= now_ns)
            lose(sent);
        else
            next = std::min(next, sent.at_ns + patience);
    }
    return next;
}

void Flight::time_out(u64 now_ns, u64 minimum_rtt_ns, u64 smoothed_ns) {
    // The peer acknowledged the first one selectively and no longer has it (RFC 2018, 8).
    if (!empty() && sent_[head_].sacked) {
        for (usize i = head_; i < sent_.size(); i++) sent_[i].sacked = false;
        sacked_ = 0;
    }
    const u64 patience = arrived_rtt_ns_ + reordering_window(minimum_rtt_ns, smoothed_ns, true);
    for (usize i = head_; i < sent_.size(); i++)
        if (!sent_[i].sacked && !sent_[i].lost && (i == head_ || sent_[i].at_ns + patience <= now_ns))
            lose(sent_[i]);
}

void Flight::lose_first(u32 most) {
    if (empty() || sent_[head_].sacked || sent_[head_].lost) return;
    if (sent_[head_].size() > most) (void)split(head_, sent_[head_].begin + most);
    lose(sent_[head_]);
}

void Flight::lose_all() {
    for (usize i = head_; i < sent_.size(); i++)
        if (!sent_[i].sacked && !sent_[i].lost) lose(sent_[i]);
}

void Flight::clear() {
    sent_.clear();
    head_ = 0;
    total_ = sacked_ = lost_ = 0;
}

}  // namespace astra::inet::tcp
