// PitChannel: the six modes, advanced from one event of the counter to the next.
#include "vmm/devices/pit_channel.hpp"

#include <algorithm>
#include <utility>

namespace astra::vmm {
namespace {

u64 from_bcd(u16 bcd) {
    return (bcd >> 12) * 1000u + (bcd >> 8 & 15) * 100u + (bcd >> 4 & 15) * 10u + (bcd & 15);
}
u16 to_bcd(u64 value) {
    return static_cast<u16>(value / 1000 % 10 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 |
                            value % 10);
}

}  // namespace

/// The counting element at `tick`. The one-shot modes wrap below zero and go on; the others are reloaded
/// before.
u64 PitChannel::count_at(u64 tick) const {
    if (!counting()) return value_;
    u64 elapsed = tick - since_;
    if (mode_ == 3) return value_ - std::min(value_, 2 * elapsed);
    return (value_ + modulus() - elapsed % modulus()) % modulus();
}

u16 PitChannel::visible_count(u64 tick) const {
    u64 count = count_at(tick) % modulus();
    return bcd_ ? to_bcd(count) : static_cast<u16>(count);
}

/// When OUT changes next in the present run of the counter.
std::optional<u64> PitChannel::next_transition() const {
    if (!counting()) return std::nullopt;
    switch (mode_) {
        case 2: return since_ + value_ - (output_ ? 1 : 0);  // low while the count is 1
        case 3: return since_ + half_cycle();
        case 4:
        case 5:
            return armed_ ? std::optional(since_ + value_ + (output_ ? 0 : 1)) : std::nullopt;  // low at 0
        default: return armed_ ? std::optional(since_ + value_) : std::nullopt;
    }
}

std::optional<u64> PitChannel::next_event() const {
    auto change = next_transition();
    if (!load_at_) return change;
    return change ? std::min(*change, *load_at_) : load_at_;
}

void PitChannel::advance(u64 now) {
    for (auto at = next_event(); at && *at <= now; at = next_event()) {
        if (load_at_ == at)
            load(*at);
        else
            transition(*at);
        skip_periods(now);
    }
}

/// A periodic counter nobody looked at for an hour has nothing to tell but how often it went round.
void PitChannel::skip_periods(u64 now) {
    if (!periodic() || !counting() || load_at_ || null_count_ || now < since_ + 2 * initial_) return;
    u64 periods = (now - since_) / initial_ - 1;
    since_ += periods * initial_;
    rises_ += periods;
}

void PitChannel::set_output(bool level) {
    if (level && !output_) ++rises_;
    output_ = level;
}

void PitChannel::transition(u64 tick) {
    bool rising = !output_;
    set_output(rising);
    switch (mode_) {
        case 2:
            if (rising) load(tick);
            break;
        case 3: load(tick); break;
        default: armed_ = (mode_ == 4 || mode_ == 5) && !rising; break;  // the strobe still has to end
    }
}

/// Moves the count register into the counting element.
void PitChannel::load(u64 tick) {
    if (load_at_ == tick) {
        // A load that was asked for, not a cycle's end: it starts the mode's sequence.
        load_at_.reset();
        set_output(mode_ != 0 && mode_ != 1);
        armed_ = true;
    }
    initial_ = periodic() ? std::max<u64>(reload_, 2) : reload_;  // 1 is illegal there: no such cycle exists
    value_ = mode_ == 3 ? initial_ & ~u64{1} : initial_;
    since_ = tick;
    null_count_ = false;
    loaded_ = true;
}

/// Pins the count at `tick`, before something that changes whether it counts.
void PitChannel::rebase(u64 tick) {
    value_ = count_at(tick);
    since_ = tick;
}

void PitChannel::write_control(u64 now, u8 control) {
    advance(now);
    rebase(now);
    programmed_ = control & 0x3f;
    access_ = control >> 4 & 3;
    mode_ = control >> 1 & 7;
    if (mode_ > 5) mode_ -= 4;  // the high bit is "don't care" in modes 2 and 3
    bcd_ = control & 1;
    set_output(mode_ != 0);
    null_count_ = true;
    loaded_ = written_ = low_written_ = inhibited_ = armed_ = high_read_next_ = false;
    load_at_.reset();
    count_latch_.reset();
    status_latch_.reset();
}

void PitChannel::write_count(u64 now, u8 byte) {
    advance(now);
    if (access_ == 1) return finish_count_write(now, byte);
    if (access_ == 2) return finish_count_write(now, static_cast<u16>(byte << 8));
    if (std::exchange(low_written_, !low_written_))
        return finish_count_write(now, static_cast<u16>(byte << 8 | low_byte_));
    low_byte_ = byte;
    if (mode_ == 0) {  // the first byte stops the count
        rebase(now);
        inhibited_ = true;
        armed_ = false;
        load_at_.reset();
        set_output(false);
    }
}

void PitChannel::finish_count_write(u64 now, u16 raw) {
    u64 count = bcd_ ? from_bcd(raw) : raw;
    reload_ = count ? count : modulus();
    null_count_ = written_ = true;
    if (mode_ == 0) {
        rebase(now);
        inhibited_ = armed_ = false;
        set_output(false);
    }
    // Modes 0 and 4 start over with every count, 2 and 3 with the first; a trigger starts 1 and 5.
    if (mode_ == 0 || mode_ == 4 || (periodic() && !loaded_)) load_at_ = now + 1;
}

void PitChannel::set_gate(u64 now, bool level) {
    advance(now);
    if (gate_ == level) return;
    rebase(now);
    gate_ = level;
    if (level && written_ && (periodic() || triggered_by_gate())) load_at_ = now + 1;
    if (!level && periodic()) set_output(true);
}

bool PitChannel::output(u64 now) {
    advance(now);
    return output_;
}

u64 PitChannel::take_rises(u64 now) {
    advance(now);
    return std::exchange(rises_, 0);
}

std::optional<u64> PitChannel::next_rise(u64 now) const {
    PitChannel future = *this;
    future.advance(now);
    future.rises_ = 0;
    while (auto at = future.next_event()) {
        future.advance(*at);
        if (future.rises_) return at;
    }
    return std::nullopt;
}

void PitChannel::latch_count(u64 now) {
    advance(now);
    if (!count_latch_) count_latch_ = visible_count(now);
}

void PitChannel::latch_status(u64 now) {
    advance(now);
    if (!status_latch_) status_latch_ = static_cast<u8>(output_ << 7 | null_count_ << 6 | programmed_);
}

u8 PitChannel::read(u64 now) {
    advance(now);
    if (status_latch_) return *std::exchange(status_latch_, std::nullopt);
    u16 count = count_latch_.value_or(visible_count(now));
    bool high = access_ == 2 || (access_ == 3 && high_read_next_);
    if (access_ == 3) high_read_next_ = !high_read_next_;
    if (access_ != 3 || high) count_latch_.reset();
    return static_cast<u8>(high ? count >> 8 : count);
}

}  // namespace astra::vmm
