// Congestion control: slow start and CUBIC (RFC 9438, RFC 5681), in bytes and integers.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::inet::tcp {

class Congestion {
  public:
    /// Ten segments (RFC 6928).
    void start(u32 mss) { window_ = 10 * mss; }
    [[nodiscard]] u32 window() const { return window_; }
    [[nodiscard]] u32 threshold() const { return threshold_; }
    [[nodiscard]] bool slow_start() const { return window_ < threshold_; }

    /// `acked` bytes were acknowledged while the window was in use. `rtt_ns`: smoothed.
    void on_ack(u32 acked, u32 mss, u64 rtt_ns, u64 now_ns);
    /// Loss was noticed by duplicate acknowledgements: the window becomes the new threshold.
    void on_loss(u32 mss);
    /// The retransmission timer expired: one segment (RFC 5681, 3.1). `first`: not again for the same loss.
    void on_timeout(u32 mss, bool first);
    /// Nothing was sent for longer than a timeout: back to the initial window (RFC 5681, 4.1).
    void on_idle(u32 mss);

  private:
    void reduce(u32 mss);
    void grow_cubic(u32 acked, u32 mss, u64 rtt_ns, u64 now_ns);
    static constexpr u32 kMaxWindow = u32{1} << 30;
    u32 window_ = 0, threshold_ = ~u32{0};
    u32 last_max_ = 0;    // W_max
    u64 epoch_ns_ = 0;    // when this stretch of congestion avoidance began; 0: not yet
    u64 plateau_ms_ = 0;  // K
    u64 origin_ = 0;      // the plateau's height
    u64 friendly_ = 0;    // W_est: what Reno would have
    u64 remainder_ = 0;   // growth less than a byte, in units of 1/window
};

}  // namespace astra::inet::tcp
