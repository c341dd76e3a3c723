// One counter of an 8254: pure state over time, no clock and no interrupt of its own.
// Source: Intel 8254 data sheet (231164-005), "Mode definitions".
#pragma once
#include <optional>

#include "guest_kernel/base/types.hpp"

namespace astra::vmm {

/// All times are ticks of the counter's CLK input (1.193182 MHz in a PC) and never go back between calls.
class PitChannel {
  public:
    /// A control word for this counter (not a latch or read-back command): sets the mode, forgets the count.
    void write_control(u64 now, u8 control);
    /// A byte of the initial count, low then high as the control word says.
    void write_count(u64 now, u8 byte);
    /// The next byte: latched status, else latched count, else the live count.
    [[nodiscard]] u8 read(u64 now);
    /// Holds count or status for read() until read; does nothing when one is held already.
    void latch_count(u64 now);
    void latch_status(u64 now);
    void set_gate(u64 now, bool level);

    [[nodiscard]] bool output(u64 now);
    /// Times OUT went from low to high since the last call.
    [[nodiscard]] u64 take_rises(u64 now);
    /// When OUT will next rise if nobody touches the counter; none when it will not.
    [[nodiscard]] std::optional<u64> next_rise(u64 now) const;
    /// Ticks between rises in the periodic modes 2 and 3; 0 otherwise.
    [[nodiscard]] u64 period() const { return periodic() && loaded_ ? initial_ : 0; }

  private:
    [[nodiscard]] bool periodic() const { return mode_ == 2 || mode_ == 3; }
    [[nodiscard]] bool triggered_by_gate() const { return mode_ == 1 || mode_ == 5; }
    [[nodiscard]] bool counting() const { return loaded_ && !inhibited_ && (gate_ || triggered_by_gate()); }
    [[nodiscard]] u64 modulus() const { return bcd_ ? 10'000 : 0x10000; }
    [[nodiscard]] u64 half_cycle() const { return output_ ? (initial_ + 1) / 2 : initial_ / 2; }
    [[nodiscard]] u64 count_at(u64 tick) const;
    [[nodiscard]] u16 visible_count(u64 tick) const;
    [[nodiscard]] std::optional<u64> next_transition() const;
    [[nodiscard]] std::optional<u64> next_event() const;
    void advance(u64 now);
    void skip_periods(u64 now);
    void transition(u64 tick);
    void load(u64 tick);
    void rebase(u64 tick);
    void set_output(bool level);
    void finish_count_write(u64 now, u16 raw);

    u8 programmed_ = 0x30;  // low six bits of the control word, as status shows them
    u8 mode_ = 0;
    u8 access_ = 3;  // RW field: 1 low byte, 2 high byte, 3 low then high
    bool bcd_ = false;
    bool gate_ = true;
    bool output_ = true;

    u64 reload_ = 0;            // count register, 1…modulus
    bool null_count_ = true;    // the count register was written and not yet loaded
    bool written_ = false;      // it holds a count since the last control word
    bool low_written_ = false;  // first of two bytes came in
    u8 low_byte_ = 0;

    // The counting element holds value_ at tick since_; while counting() it goes down from there.
    u64 value_ = 0, since_ = 0;
    u64 initial_ = 0;         // what it was last loaded with
    bool loaded_ = false;     // since the last control word
    bool inhibited_ = false;  // mode 0 between the two bytes of a count
    bool armed_ = false;      // one-shot modes: the terminal count is still to come
    std::optional<u64> load_at_;

    std::optional<u16> count_latch_;
    std::optional<u8> status_latch_;
    bool high_read_next_ = false;
    u64 rises_ = 0;
};

}  // namespace astra::vmm
