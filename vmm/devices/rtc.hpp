// The MC146818 real-time clock with its CMOS memory. Source: Motorola MC146818A data sheet (ADI1026).
#pragma once
#include <array>
#include <optional>

#include "vmm/devices/byte_device.hpp"

namespace astra::vmm {

/// Window: 2 ports (0x70: index and NMI mask, 0x71: data).
///
/// Time of day is the host's UTC wall clock plus what the guest set; the periodic interrupt runs on the
/// monotonic clock. IRQ 8's line is a level: high from the first enabled flag until register C is read.
/// Daylight saving (DSE) is a bit that can be stored and does nothing, as in the chip's successors.
class Rtc final : public ByteDevice {
  public:
    static constexpr usize kCells = 128;

    /// `irq` is IRQ 8's line. All three referents outlive the device.
    Rtc(IrqLine& irq, const Clock& clock, const TimerFactory& make_timer);

    [[nodiscard]] std::string_view label() const override { return "rtc"; }
    /// Whether the guest masks NMIs (bit 7 of the index port).
    [[nodiscard]] bool nmi_masked() const { return nmi_masked_; }

  private:
    u8 read_byte(u64 offset) override;
    void write_byte(u64 offset, u8 value) override;
    u8 read_cell(u8 index);
    void write_cell(u8 index, u8 value);

    /// Whether the time registers follow the clock: neither SET nor a divider reset holds them.
    [[nodiscard]] bool running() const;
    [[nodiscard]] i64 device_ns() const;
    void time_to_registers(i64 second);
    [[nodiscard]] i64 registers_to_time() const;
    void hold_or_release(bool was_running, bool divider_was_reset);
    [[nodiscard]] std::optional<i64> next_alarm(i64 after) const;
    [[nodiscard]] bool in_update() const;
    [[nodiscard]] u64 periodic_index() const;
    [[nodiscard]] u64 periodic_shift() const;
    [[nodiscard]] u8 encode(u8 binary) const;
    [[nodiscard]] u8 decode(u8 cell) const;
    [[nodiscard]] u8 encode_hour(u8 hour) const;
    [[nodiscard]] u8 decode_hour(u8 cell) const;
    void sync();
    void update_irq();
    void arm();

    IrqLine& irq_;
    const Clock& clock_;
    std::unique_ptr<Timer> timer_;

    std::array<u8, kCells> cells_{};  // time registers are current only while held; see read_cell
    u8 index_ = 0;
    bool nmi_masked_ = false;
    bool irq_level_ = false;
    i64 offset_ns_ = 0;          // device time = wall clock + offset
    i64 held_phase_ns_ = 0;      // fraction of a second that goes on when the time is released
    int weekday_shift_ = 0;      // what the guest's day of week differs from the calendar's by
    i64 last_second_ = 0;        // updates up to this device second are in the flags
    u64 last_periodic_ = 0;      // periodic edges up to this index are in the flags
    u64 divider_origin_ns_ = 0;  // monotonic time at which the divider chain started
};

}  // namespace astra::vmm
