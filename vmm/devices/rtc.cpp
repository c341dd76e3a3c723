// Rtc: the clock behind the registers, its flags and the interrupt.
#include "vmm/devices/rtc.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace astra::vmm {
namespace {

using namespace rtc;

enum RegisterA : u8 { kUpdateInProgress = 0x80, kDividerReset = 0x60, kDivider32kHz = 0x20, kRate = 0x0f };
constexpr u8 kRate1024Hz = 6;
constexpr u8 kSet = 0x80;  // register B
/// Flags in register C; the enables in register B are the same bits.
enum Flag : u8 {
    kIrqFlag = 0x80,
    kPeriodicFlag = 0x40,
    kAlarmFlag = 0x20,
    kUpdateFlag = 0x10,
    kFlags = 0x70
};
constexpr u8 kValidRam = 0x80;  // register D: the battery never failed
constexpr u8 kNmiMask = 0x80;   // port 0x70

constexpr u64 kSecondNs = 1'000'000'000;
/// The registers may not be read for this long before an update: 244 µs of warning, 1984 µs of work at 32.768
/// kHz.
constexpr u64 kUpdateNs = (244 + 1984) * 1000;
constexpr u64 kFirstUpdateNs = kSecondNs / 2;  // after a divider reset
constexpr u64 kCrystalHz = 32'768;
/// The wall clock may be set while an alarm waits on the monotonic one, so look again now and then.
constexpr u64 kRecheckNs = 60 * kSecondNs;

using u128 = unsigned __int128;

}  // namespace

Rtc::Rtc(IrqLine& irq, const Clock& clock, const TimerFactory& make_timer)
    : irq_(irq),
      clock_(clock),
      timer_(make_timer([this] {
          sync();
          arm_timer();
      })),
      divider_start_ns_(clock.now_ns()) {
    cells_[kRegisterA] = kDivider32kHz | kRate1024Hz;
    cells_[kRegisterB] = k24Hours;
    cells_[kRegisterD] = kValidRam;
    seen_second_ = time().second;
}

bool Rtc::divider_runs() const { return (cells_[kRegisterA] & kDividerReset) != kDividerReset; }

bool Rtc::time_runs() const { return divider_runs() && !(cells_[kRegisterB] & kSet); }

Rtc::Time Rtc::time() const {
    u64 shifted = clock_.wall_ns() + phase_shift_ns_;
    return {static_cast<i64>(shifted / kSecondNs) + offset_s_, shifted % kSecondNs};
}

/// The cells are the time from now on; the fraction of the second goes on as it was.
void Rtc::set_time_from_cells() {
    i64 second = load_time(cells_);
    weekday_shift_ = load_weekday_shift(cells_);
    offset_s_ += second - time().second;
    seen_second_ = second;
}

/// Crystal ticks between periodic edges; 0 when the rate is off or the divider stands still (data sheet,
/// table 5).
u64 Rtc::periodic_ticks() const {
    u8 rate = cells_[kRegisterA] & kRate;
    if (rate == 0 || !divider_runs()) return 0;
    return u64{1} << (rate <= 2 ? rate + 6 : rate - 1);
}

u64 Rtc::periodic_edges() const {
    u64 ticks = periodic_ticks();
    u64 elapsed = clock_.now_ns() - divider_start_ns_;
    return ticks ? static_cast<u64>(u128{elapsed} * kCrystalHz / kSecondNs) / ticks : 0;
}

/// Brings the flags up to now.
void Rtc::sync() {
    u8& flags = cells_[kRegisterC];
    u64 edges = periodic_edges();
    if (std::exchange(seen_edges_, edges) != edges) flags |= kPeriodicFlag;
    if (time_runs()) {
        i64 second = time().second;
        i64 before = std::exchange(seen_second_, second);
        if (second != before) flags |= kUpdateFlag;
        if (second > before) {
            auto alarm = next_alarm(cells_, before);
            if (alarm && *alarm <= second) flags |= kAlarmFlag;
        }
    }
    update_irq();
}

void Rtc::update_irq() {
    u8& flags = cells_[kRegisterC];
    bool level = flags & cells_[kRegisterB] & kFlags;
    flags = static_cast<u8>((flags & kFlags) | (level ? kIrqFlag : 0));
    if (std::exchange(irq_level_, level) != level) irq_.set(level);
}

/// Arms for the next enabled flag. While the line is high nothing more can happen to it, so nothing is armed.
void Rtc::arm_timer() {
    constexpr u64 kNever = std::numeric_limits<u64>::max();
    u8 enabled = irq_level_ ? 0 : cells_[kRegisterB] & kFlags;
    u64 now = clock_.now_ns(), deadline = kNever;
    if (u64 ticks = periodic_ticks(); ticks && (enabled & kPeriodicFlag)) {
        u128 edge = u128{seen_edges_ + 1} * ticks * kSecondNs;
        deadline = divider_start_ns_ + static_cast<u64>((edge + kCrystalHz - 1) / kCrystalHz);
    }
    if (time_runs() && (enabled & (kUpdateFlag | kAlarmFlag))) {
        Time present = time();
        std::optional<i64> second = present.second + 1;
        if (!(enabled & kUpdateFlag)) second = next_alarm(cells_, present.second);
        if (second) {
            u64 wait = static_cast<u64>(*second - present.second) * kSecondNs - present.phase_ns;
            deadline = std::min(deadline, now + std::min(wait, kRecheckNs));
        }
    }
    if (deadline != kNever)
        timer_->arm(deadline);
    else
        timer_->disarm();
}

u8 Rtc::read_cell(u8 cell) {
    sync();
    if (is_time(cell) && time_runs()) store_time(cells_, time().second, weekday_shift_);
    u8 value = cells_[cell];
    if (cell == kRegisterA && time_runs() && time().phase_ns >= kSecondNs - kUpdateNs)
        value |= kUpdateInProgress;
    if (cell == kRegisterC) {
        cells_[kRegisterC] = 0;
        update_irq();
        arm_timer();
    }
    return value;
}

void Rtc::write_cell(u8 cell, u8 value) {
    if (cell == kRegisterC || cell == kRegisterD) return;  // read-only
    sync();
    if (cell == kRegisterA || cell == kRegisterB) {
        write_control(cell, value);
    } else if (is_time(cell) && time_runs()) {
        store_time(cells_, time().second, weekday_shift_);
        cells_[cell] = value;
        set_time_from_cells();
    } else {
        cells_[cell] = value;
    }
    update_irq();
    arm_timer();
}

void Rtc::write_control(u8 cell, u8 value) {
    bool time_ran = time_runs(), divider_ran = divider_runs();
    if (time_ran)
        store_time(cells_, time().second, weekday_shift_);  // in the old format, should it be held now
    if (cell == kRegisterA) value &= ~kUpdateInProgress;
    if (cell == kRegisterB && (value & kSet))
        value &= ~kUpdateFlag;  // SET clears the update interrupt's enable
    cells_[cell] = value;
    if (!divider_ran && divider_runs()) {
        divider_start_ns_ = clock_.now_ns();
        phase_shift_ns_ = (phase_shift_ns_ + kSecondNs + kFirstUpdateNs - time().phase_ns) % kSecondNs;
    }
    if (!time_ran && time_runs()) set_time_from_cells();
    seen_edges_ = periodic_edges();
}

u8 Rtc::read_byte(u64 offset) { return offset == 1 ? read_cell(index_) : 0xff; }

void Rtc::write_byte(u64 offset, u8 value) {
    if (offset == 1) return write_cell(index_, value);
    if (offset != 0) return;
    index_ = value & (kCells - 1);
    nmi_masked_ = value & kNmiMask;
}

}  // namespace astra::vmm
