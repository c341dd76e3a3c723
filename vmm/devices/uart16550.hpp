// The 16550A UART. Source: National Semiconductor PC16550D data sheet (TL/C/8652).
#pragma once
#include <deque>

#include "vmm/devices/byte_device.hpp"
#include "vmm/devices/host_stream.hpp"

namespace astra::vmm {

/// Window: 8 ports. The line is always 8 bits wide and infinitely fast; baud rate and word length only set
/// the receive time-out. No byte is lost: input stays in the stream until the receiver has room, and the
/// transmitter is not empty until the stream took its bytes. Only a driver that ignores THRE, or overruns
/// itself in loopback, loses bytes.
class Uart16550 final : public ByteDevice {
  public:
    static constexpr usize kFifoSize = 16;
    static constexpr u64 kInputClockHz = 1'843'200;

    /// `irq` is the INTR pin, a level. All four referents outlive the device.
    Uart16550(IrqLine& irq, const Clock& clock, const TimerFactory& make_timer, HostStream& stream);

    [[nodiscard]] std::string_view label() const override { return "uart"; }
    /// The stream has input. Call with the device's lock held.
    void input_ready();
    /// The stream takes output again. Call with the device's lock held.
    void output_ready();

  private:
    u8 read_byte(u64 offset) override;
    void write_byte(u64 offset, u8 value) override;

    u8 read_receive_buffer();
    u8 read_interrupt_identification();
    u8 read_line_status();
    u8 read_modem_status();
    void write_transmit_holding(u8 value);
    void write_interrupt_enable(u8 value);
    void write_fifo_control(u8 value);
    void write_modem_control(u8 value);

    /// The interrupt's identification bits, highest priority first; kNoInterrupt when nothing is pending.
    [[nodiscard]] u8 pending_interrupt() const;
    [[nodiscard]] bool fifos_enabled() const { return fifo_control_ & 1; }
    [[nodiscard]] bool loopback() const;
    [[nodiscard]] bool requests_input() const;
    [[nodiscard]] usize fifo_capacity() const { return fifos_enabled() ? kFifoSize : 1; }
    [[nodiscard]] usize trigger_level() const;
    [[nodiscard]] u8 modem_lines() const;
    [[nodiscard]] u64 character_ns() const;
    void receive(std::span<const u8> bytes);
    void pull_input();
    void transmit();
    void restart_timeout();
    void update_irq();

    static constexpr u8 kNoInterrupt = 0x01;

    IrqLine& irq_;
    const Clock& clock_;
    HostStream& stream_;
    std::unique_ptr<Timer> timeout_timer_;

    std::deque<u8> receive_fifo_, transmit_fifo_;
    bool irq_level_ = false;
    bool input_pending_ = true;      // the stream may have bytes
    bool timeout_pending_ = false;   // character time-out interrupt
    bool transmit_pending_ = false;  // THR-empty interrupt
    u8 line_errors_ = 0;             // error bits of LSR, until read
    u8 modem_deltas_ = 0;            // low half of MSR, until read
    u8 interrupt_enable_ = 0, fifo_control_ = 0, line_control_ = 0, modem_control_ = 0, scratch_ = 0;
    u16 divisor_ = 12;  // 9600 baud; the chip leaves it undefined
};

}  // namespace astra::vmm
