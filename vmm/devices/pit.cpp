// Pit: ports, channel 0's interrupt with its backlog, and the speaker port.
#include "vmm/devices/pit.hpp"

#include <algorithm>

namespace astra::vmm {
namespace {

constexpr u64 kHz = 1'193'182;
constexpr u64 kSecondNs = 1'000'000'000;
constexpr u64 kControlPort = 3;
constexpr u64 kSpeakerChannel = 2;
constexpr u64 kRefreshTicks = 18;  // channel 1's period in a PC: memory refresh every 15 µs

enum ControlWord : u8 { kReadBack = 3, kLatchCommand = 0, kNoCount = 0x20, kNoStatus = 0x10 };
enum Speaker : u8 { kGate2 = 0x01, kStored = 0x0f, kRefresh = 0x10, kOutput2 = 0x20 };

using u128 = unsigned __int128;
u64 ticks_of(u64 ns) { return static_cast<u64>(u128{ns} * kHz / kSecondNs); }
/// The first nanosecond that belongs to `ticks`.
u64 ns_of(u64 ticks) { return static_cast<u64>((u128{ticks} * kSecondNs + kHz - 1) / kHz); }

}  // namespace

Pit::Pit(IrqLine& irq, const Clock& clock, const TimerFactory& make_timer)
    : irq_(irq), clock_(clock), timer_(make_timer([this] { deliver(); })), origin_ns_(clock.now_ns()) {
    channels_[kSpeakerChannel].set_gate(0, false);
}

u64 Pit::now_tick() const { return ticks_of(clock_.now_ns() - origin_ns_); }

u8 Pit::read_byte(u64 offset) { return offset < kControlPort ? channels_[offset].read(now_tick()) : 0xff; }

void Pit::write_byte(u64 offset, u8 value) {
    deliver();  // what was due under the old settings
    if (offset == kControlPort) {
        write_control(value);
    } else if (offset < kControlPort) {
        channels_[offset].write_count(now_tick(), value);
    }
    deliver();
}

void Pit::write_control(u8 value) {
    u64 now = now_tick();
    u8 channel = value >> 6;
    if (channel == kReadBack) {
        for (u8 i = 0; i < channels_.size(); ++i) {
            if (!(value & 2 << i)) continue;
            if (!(value & kNoCount)) channels_[i].latch_count(now);
            if (!(value & kNoStatus)) channels_[i].latch_status(now);
        }
    } else if ((value >> 4 & 3) == kLatchCommand) {
        channels_[channel].latch_count(now);
    } else {
        if (channel == 0) forget_backlog();
        channels_[channel].write_control(now, value);
    }
}

/// A new programme owes nothing of the old one's ticks, except one that a real interrupt controller would
/// hold already.
void Pit::forget_backlog() {
    u64 kept = std::min<u64>(backlog_, 1);
    lost_ticks_ += backlog_ - kept;
    backlog_ = kept;
}

void Pit::deliver() {
    u64 now = clock_.now_ns();
    u64 tick = now_tick();
    backlog_ += channels_[0].take_rises(tick);
    u64 period_ns = ns_of(channels_[0].period());
    u64 most = std::max<u64>(1, period_ns ? kMaxBacklogNs / period_ns : 1);
    if (backlog_ > most) {
        lost_ticks_ += backlog_ - most;
        backlog_ = most;
    }
    u64 gap = std::max(kMinInterruptGapNs, period_ns / 2);
    if (backlog_ && (!last_delivery_ns_ || now - *last_delivery_ns_ >= gap)) {
        irq_.pulse();
        --backlog_;
        last_delivery_ns_ = now;
    }
    std::optional<u64> next;
    if (auto rise = channels_[0].next_rise(tick)) next = origin_ns_ + ns_of(*rise);
    if (last_delivery_ns_ && (backlog_ || (next && *next < *last_delivery_ns_ + gap)))
        next = *last_delivery_ns_ + gap;
    if (next)
        timer_->arm(*next);
    else
        timer_->disarm();
}

u8 Pit::SpeakerPort::read_byte(u64) {
    u64 tick = pit_.now_tick();
    u8 value = latch_;
    if (tick / kRefreshTicks & 1) value |= kRefresh;
    if (pit_.channels_[kSpeakerChannel].output(tick)) value |= kOutput2;
    return value;
}

void Pit::SpeakerPort::write_byte(u64, u8 value) {
    latch_ = value & kStored;
    pit_.channels_[kSpeakerChannel].set_gate(pit_.now_tick(), value & kGate2);
}

}  // namespace astra::vmm
