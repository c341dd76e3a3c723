// The MC146818 real-time clock with its CMOS memory. Source: Motorola MC146818A data sheet (ADI1026).
#pragma once
#include "vmm/devices/byte_device.hpp"
#include "vmm/devices/rtc_registers.hpp"

namespace astra::vmm {

/// Window: 2 ports (0x70: index and NMI mask, 0x71: data).
///
/// Time of day is the host's UTC wall clock plus what the guest set; the periodic interrupt runs on the
/// monotonic clock. IRQ 8's line is a level: high from the first enabled flag until register C is read.
/// Daylight saving (DSE) is a bit that can be stored and does nothing, as in the chip's successors.
class Rtc final : public ByteDevice {
  public:
    /// `irq` is IRQ 8's line. All three referents outlive the device.
    Rtc(IrqLine& irq, const Clock& clock, const TimerFactory& make_timer);

    [[nodiscard]] std::string_view label() const override { return "rtc"; }
    /// Whether the guest masks NMIs (bit 7 of the index port).
    [[nodiscard]] bool nmi_masked() const { return nmi_masked_; }

  private:
    /// Device time: seconds since the epoch, and how far into the present one.
    struct Time {
        i64 second;
        u64 phase_ns;
    };

    u8 read_byte(u64 offset) override;
    void write_byte(u64 offset, u8 value) override;
    u8 read_cell(u8 cell);
    void write_cell(u8 cell, u8 value);
    void write_control(u8 cell, u8 value);

    [[nodiscard]] bool divider_runs() const;
    [[nodiscard]] bool time_runs() const;
    [[nodiscard]] Time time() const;
    void set_time_from_cells();
    [[nodiscard]] u64 periodic_ticks() const;
    [[nodiscard]] u64 periodic_edges() const;
    void sync();
    void update_irq();
    void arm_timer();

    IrqLine& irq_;
    const Clock& clock_;
    std::unique_ptr<Timer> timer_;

    rtc::Cells cells_{};  // the time cells are refreshed when read, and are the time itself while it is held
    u8 index_ = 0;
    bool nmi_masked_ = false;
    bool irq_level_ = false;

    // Device time = (wall clock + phase_shift_ns_), split into seconds, + offset_s_.
    u64 phase_shift_ns_ = 0;
    i64 offset_s_ = 0;
    int weekday_shift_ = 0;  // what the guest's day of week differs from the calendar's by
    i64 seen_second_ = 0;    // the flags know of updates up to this one
    u64 seen_edges_ = 0;     // and of this many periodic edges since divider_start_ns_
    u64 divider_start_ns_;   // monotonic
};

}  // namespace astra::vmm
