// Uart16550: registers, FIFOs and interrupt priorities.
#include "vmm/devices/uart16550.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace astra::vmm {
namespace {

enum Register : u64 {
    kData,
    kInterruptEnable,
    kInterruptId,
    kLineControl,
    kModemControl,
    kLineStatus,
    kModemStatus,
    kScratch
};

enum InterruptEnable : u8 { kReceiveEnable = 1, kTransmitEnable = 2, kLineEnable = 4, kModemEnable = 8 };
enum InterruptId : u8 {
    kModemId = 0x00,
    kTransmitId = 0x02,
    kReceiveId = 0x04,
    kLineId = 0x06,
    kTimeoutId = 0x0c,
    kFifosOnId = 0xc0
};
enum FifoControl : u8 { kFifoEnable = 1, kClearReceive = 2, kClearTransmit = 4, kTriggerShift = 6 };
enum LineControl : u8 { kWordLength = 3, kTwoStopBits = 4, kParity = 8, kDivisorAccess = 0x80 };
enum ModemControl : u8 {
    kDtr = 1,
    kRts = 2,
    kOut1 = 4,
    kOut2 = 8,
    kLoopback = 0x10,
    kModemControlBits = 0x1f
};
enum LineStatus : u8 { kDataReady = 1, kOverrun = 2, kTransmitHoldingEmpty = 0x20, kTransmitterEmpty = 0x40 };
enum ModemStatus : u8 { kRingTrailing = 4, kCts = 0x10, kDsr = 0x20, kRing = 0x40, kCarrier = 0x80 };

constexpr std::array<usize, 4> kTriggerLevels = {1, 4, 8, 14};

}  // namespace

Uart16550::Uart16550(IrqLine& irq, const Clock& clock, const TimerFactory& make_timer, HostStream& stream)
    : irq_(irq), clock_(clock), stream_(stream), timeout_timer_(make_timer([this] {
          timeout_pending_ = true;
          update_irq();
      })) {}

void Uart16550::input_ready() {
    input_pending_ = true;
    pull_input();
    update_irq();
}

void Uart16550::output_ready() {
    transmit();
    update_irq();
}

bool Uart16550::loopback() const { return modem_control_ & kLoopback; }

usize Uart16550::trigger_level() const {
    return fifos_enabled() ? kTriggerLevels[fifo_control_ >> kTriggerShift] : 1;
}

/// High half of MSR. Outside loopback a cable is plugged in and the other end is ready.
u8 Uart16550::modem_lines() const {
    if (!loopback()) return kCts | kDsr | kCarrier;
    u8 lines = 0;
    if (modem_control_ & kRts) lines |= kCts;
    if (modem_control_ & kDtr) lines |= kDsr;
    if (modem_control_ & kOut1) lines |= kRing;
    if (modem_control_ & kOut2) lines |= kCarrier;
    return lines;
}

/// Duration of one character on the wire: start, data, parity and stop bits, 16 input clocks a bit per
/// divisor step.
u64 Uart16550::character_ns() const {
    u64 bits = 1 + (5 + (line_control_ & kWordLength)) + (line_control_ & kParity ? 1 : 0) +
               (line_control_ & kTwoStopBits ? 2 : 1);
    u64 divisor = divisor_ ? divisor_ : 0x10000;
    return bits * divisor * 16 * 1'000'000'000 / kInputClockHz;
}

void Uart16550::update_irq() {
    bool level = pending_interrupt() != kNoInterrupt;
    if (std::exchange(irq_level_, level) != level) irq_.set(level);
}

u8 Uart16550::pending_interrupt() const {
    if ((interrupt_enable_ & kLineEnable) && line_errors_) return kLineId;
    if (interrupt_enable_ & kReceiveEnable) {
        if (receive_fifo_.size() >= trigger_level()) return kReceiveId;
        if (timeout_pending_) return kTimeoutId;
    }
    if ((interrupt_enable_ & kTransmitEnable) && transmit_pending_) return kTransmitId;
    if ((interrupt_enable_ & kModemEnable) && modem_deltas_) return kModemId;
    return kNoInterrupt;
}

/// The time-out interrupt needs data below the trigger level that nobody added to or took from for four
/// character times (data sheet, 8.4.1).
void Uart16550::restart_timeout() {
    timeout_pending_ = false;
    if ((interrupt_enable_ & kReceiveEnable) && !receive_fifo_.empty() &&
        receive_fifo_.size() < trigger_level())
        timeout_timer_->arm(clock_.now_ns() + 4 * character_ns());
    else
        timeout_timer_->disarm();
}

/// Bytes from the wire (or from the transmitter in loopback). What does not fit overruns: a full FIFO drops
/// the new byte, the single buffer of 16450 mode is overwritten.
void Uart16550::receive(std::span<const u8> bytes) {
    for (u8 byte : bytes) {
        if (receive_fifo_.size() < fifo_capacity()) {
            receive_fifo_.push_back(byte);
            continue;
        }
        line_errors_ |= kOverrun;
        if (!fifos_enabled()) receive_fifo_.back() = byte;
    }
    if (!bytes.empty()) restart_timeout();
}

/// The stream honours RTS/CTS flow control, so that nothing typed before the driver is set up is lost in its
/// FIFO resets; in loopback the wire is cut off.
bool Uart16550::requests_input() const { return (modem_control_ & (kRts | kLoopback)) == kRts; }

/// Takes from the stream what the receiver has room for.
void Uart16550::pull_input() {
    if (!input_pending_ || !requests_input() || receive_fifo_.size() >= fifo_capacity()) return;
    std::array<u8, kFifoSize> bytes;
    usize wanted = fifo_capacity() - receive_fifo_.size();
    usize got = stream_.read(std::span(bytes).first(wanted));
    input_pending_ = got == wanted;
    receive(std::span(bytes).first(got));
}

/// Hands the transmitter's bytes to the stream; the THR-empty interrupt is due once the last one left.
void Uart16550::transmit() {
    if (transmit_fifo_.empty()) return;
    std::array<u8, kFifoSize> bytes;
    usize count = transmit_fifo_.size();
    std::ranges::copy(transmit_fifo_, bytes.begin());
    usize sent = count;
    if (loopback())
        receive(std::span(bytes).first(count));
    else
        sent = stream_.write(std::span(bytes).first(count));
    transmit_fifo_.erase(transmit_fifo_.begin(), transmit_fifo_.begin() + static_cast<std::ptrdiff_t>(sent));
    if (transmit_fifo_.empty()) transmit_pending_ = true;
}

u8 Uart16550::read_receive_buffer() {
    if (receive_fifo_.empty()) return 0;
    u8 byte = receive_fifo_.front();
    receive_fifo_.pop_front();
    restart_timeout();
    if (receive_fifo_.empty()) {
        update_irq();  // the line falls before the refill raises it: an edge-triggered controller must see
                       // both
        pull_input();
    }
    return byte;
}

u8 Uart16550::read_interrupt_identification() {
    u8 id = pending_interrupt();
    if (id == kTransmitId) transmit_pending_ = false;  // reading it as the source acknowledges it
    return id | (fifos_enabled() ? kFifosOnId : 0);
}

u8 Uart16550::read_line_status() {
    u8 status = line_errors_;
    line_errors_ = 0;
    if (!receive_fifo_.empty()) status |= kDataReady;
    if (transmit_fifo_.empty()) status |= kTransmitHoldingEmpty | kTransmitterEmpty;
    return status;
}

u8 Uart16550::read_modem_status() {
    u8 status = modem_lines() | modem_deltas_;
    modem_deltas_ = 0;
    return status;
}

u8 Uart16550::read_byte(u64 offset) {
    bool divisor = line_control_ & kDivisorAccess;
    u8 value = 0xff;
    switch (offset) {
        case kData: value = divisor ? static_cast<u8>(divisor_) : read_receive_buffer(); break;
        case kInterruptEnable: value = divisor ? static_cast<u8>(divisor_ >> 8) : interrupt_enable_; break;
        case kInterruptId: value = read_interrupt_identification(); break;
        case kLineControl: value = line_control_; break;
        case kModemControl: value = modem_control_; break;
        case kLineStatus: value = read_line_status(); break;
        case kModemStatus: value = read_modem_status(); break;
        case kScratch: value = scratch_; break;
    }
    update_irq();
    return value;
}

void Uart16550::write_transmit_holding(u8 value) {
    transmit_pending_ = false;
    update_irq();  // the line falls before transmit() raises it again: an edge-triggered controller must see
                   // both
    if (transmit_fifo_.size() >= fifo_capacity()) transmit_fifo_.pop_back();  // the driver ignored THRE
    transmit_fifo_.push_back(value);
    transmit();
}

void Uart16550::write_interrupt_enable(u8 value) {
    u8 newly = value & ~interrupt_enable_;
    interrupt_enable_ = value & (kReceiveEnable | kTransmitEnable | kLineEnable | kModemEnable);
    if (newly & kReceiveEnable) restart_timeout();
    // Enabling it while the holding register is empty interrupts at once; drivers probe for this.
    if ((newly & kTransmitEnable) && transmit_fifo_.empty()) transmit_pending_ = true;
}

void Uart16550::write_fifo_control(u8 value) {
    bool toggled = (value ^ fifo_control_) & kFifoEnable;
    fifo_control_ =
        value & kFifoEnable ? value & ~(kClearReceive | kClearTransmit) : 0;  // bit 0 gates the others
    if (toggled || (value & (kFifoEnable | kClearReceive)) == (kFifoEnable | kClearReceive))
        receive_fifo_.clear();
    if (toggled || (value & (kFifoEnable | kClearTransmit)) == (kFifoEnable | kClearTransmit))
        transmit_fifo_.clear();
    restart_timeout();
    pull_input();
}

void Uart16550::write_modem_control(u8 value) {
    u8 before = modem_lines();
    modem_control_ = value & kModemControlBits;
    u8 after = modem_lines(), changed = before ^ after;
    modem_deltas_ |= (changed & (kCts | kDsr | kCarrier)) >> 4;
    if (before & ~after & kRing) modem_deltas_ |= kRingTrailing;  // RI reports its trailing edge only
    pull_input();
    transmit();
}

void Uart16550::write_byte(u64 offset, u8 value) {
    bool divisor = line_control_ & kDivisorAccess;
    switch (offset) {
        case kData:
            if (divisor)
                divisor_ = static_cast<u16>((divisor_ & 0xff00) | value);
            else
                write_transmit_holding(value);
            break;
        case kInterruptEnable:
            if (divisor)
                divisor_ = static_cast<u16>((divisor_ & 0x00ff) | value << 8);
            else
                write_interrupt_enable(value);
            break;
        case kInterruptId: write_fifo_control(value); break;
        case kLineControl: line_control_ = value; break;
        case kModemControl: write_modem_control(value); break;
        case kScratch: scratch_ = value; break;
        default: break;  // LSR and MSR are read-only
    }
    update_irq();
}

}  // namespace astra::vmm
