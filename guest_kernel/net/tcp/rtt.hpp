// Round-trip time and retransmission timeout (RFC 6298).
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::inet::tcp {

class RoundTrip {
  public:
    // RFC 6298 asks for a minimum of 1 s; like Linux's TCP_RTO_MIN and TCP_RTO_MAX (net/tcp.h).
    static constexpr u64 kMinTimeout = 200'000'000, kMaxTimeout = 120'000'000'000;
    static constexpr u64 kInitialTimeout = 1'000'000'000;

    void sample(u64 rtt_ns) {
        if (rtt_ns == 0) rtt_ns = 1;
        if (smoothed_ == 0) {
            smoothed_ = rtt_ns;
            variation_ = rtt_ns / 2;
        } else {
            u64 difference = smoothed_ > rtt_ns ? smoothed_ - rtt_ns : rtt_ns - smoothed_;
            variation_ = variation_ - variation_ / 4 + difference / 4;
            smoothed_ = smoothed_ - smoothed_ / 8 + rtt_ns / 8;
        }
        if (minimum_ == 0 || rtt_ns < minimum_) minimum_ = rtt_ns;
        backoff_ = 0;
    }
    void back_off() { backoff_ += backoff_ < 31; }
    [[nodiscard]] u32 backoff() const { return backoff_; }
    /// The timeout to use now, backed off.
    [[nodiscard]] u64 timeout() const {
        u64 base = kInitialTimeout;
        if (smoothed_) {
            // As Linux: the variance term alone is kept at the minimum.
            u64 variance = 4 * variation_ < kMinTimeout ? kMinTimeout : 4 * variation_;
            base = smoothed_ + variance;
        }
        for (u32 i = 0; i < backoff_ && base < kMaxTimeout; i++) base *= 2;
        return base < kMaxTimeout ? base : kMaxTimeout;
    }
    /// Nanoseconds; 0: not measured yet.
    [[nodiscard]] u64 smoothed() const { return smoothed_; }
    [[nodiscard]] u64 variation() const { return variation_; }
    [[nodiscard]] u64 minimum() const { return minimum_; }
    /// What arrives sooner after it was sent again was not lost at first. RFC 8985, 6.2, step 2, asks for the
    /// minimum; behind a queue that tells too little, and one segment that was only late would have all that
    /// is in the queue sent again.
    [[nodiscard]] u64 least_plausible() const { return minimum_ > smoothed_ / 2 ? minimum_ : smoothed_ / 2; }

  private:
    u64 smoothed_ = 0, variation_ = 0, minimum_ = 0;
    u32 backoff_ = 0;
};

}  // namespace astra::inet::tcp
