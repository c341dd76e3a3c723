// The i8254 programmable interval timer, its gate and speaker port, and channel 0's interrupt.
// Source: Intel 8254 data sheet (231164-005); IBM PC/AT Technical Reference for port 0x61.
#pragma once
#include <array>

#include "vmm/devices/byte_device.hpp"
#include "vmm/devices/pit_channel.hpp"

namespace astra::vmm {

/// Window: 4 ports (0x40). Its second window, 1 port (0x61), is speaker_port(); both share one lock.
///
/// Channel 0's output drives the interrupt, one edge per rise of OUT. When the host runs late, edges that are
/// due already are made up for at up to twice the programmed rate, never closer than kMinInterruptGapNs; more
/// than kMaxBacklogNs worth of them is dropped and counted in lost_ticks().
class Pit final : public ByteDevice {
  public:
    static constexpr u64 kMinInterruptGapNs = 200'000;  // KVM's in-kernel PIT has the same floor
    static constexpr u64 kMaxBacklogNs = 1'000'000'000;

    /// `irq` is IRQ 0's line: edges only. All three referents outlive the device.
    Pit(IrqLine& irq, const Clock& clock, const TimerFactory& make_timer);

    [[nodiscard]] std::string_view label() const override { return "pit"; }
    /// Port 0x61: bit 0 gate of channel 2, bit 1 speaker enable, bit 4 refresh toggle, bit 5 output of
    /// channel 2.
    [[nodiscard]] Device& speaker_port() { return speaker_; }
    /// Ticks of channel 0 that were never delivered since the start.
    [[nodiscard]] u64 lost_ticks() const { return lost_ticks_; }

  private:
    class SpeakerPort final : public ByteDevice {
      public:
        explicit SpeakerPort(Pit& pit) : pit_(pit) {}
        [[nodiscard]] std::string_view label() const override { return "pit-speaker"; }

      private:
        u8 read_byte(u64 offset) override;
        void write_byte(u64 offset, u8 value) override;
        Pit& pit_;
        u8 latch_ = 0;
    };

    u8 read_byte(u64 offset) override;
    void write_byte(u64 offset, u8 value) override;
    void write_control(u8 value);
    [[nodiscard]] u64 now_tick() const;
    void forget_backlog();
    void deliver();

    IrqLine& irq_;
    const Clock& clock_;
    std::unique_ptr<Timer> timer_;
    SpeakerPort speaker_{*this};
    std::array<PitChannel, 3> channels_;
    u64 origin_ns_;    // tick 0
    u64 backlog_ = 0;  // edges due and not delivered
    std::optional<u64> last_delivery_ns_;
    u64 lost_ticks_ = 0;
};

}  // namespace astra::vmm
