// CUBIC. Section numbers are RFC 9438's.
#include "guest_kernel/net/tcp/congestion.hpp"

#include <algorithm>

namespace astra::inet::tcp {

namespace {

u64 cube_root(u64 value) {
    u64 root = 0;
    for (int bit = 20; bit >= 0; bit--) {
        u64 candidate = root | u64{1} << bit;
        if (candidate * candidate * candidate <= value) root = candidate;
    }
    return root;
}

constexpr u64 kCubesPerSegment = 2'500'000'000;  // 1 / C, C = 0.4 segments/s^3, in ms^3 per segment
constexpr u64 kMaxMilliseconds = 20'000;         // the curve's argument; keeps its cube in 64 bits

}  // namespace

void Congestion::on_ack(u32 acked, u32 mss, u64 rtt_ns, u64 now_ns) {
    if (slow_start()) {
        // Growth by what was acknowledged, at most two segments per acknowledgement (RFC 3465)… of this
        // stack's own stretched acknowledgements count as what they are.
        window_ = std::min({window_ + acked, std::max(threshold_, window_ + mss), kMaxWindow});
        return;
    }
    grow_cubic(acked, mss, rtt_ns, now_ns);
}

// 4.2 to 4.5: towards where the cubic will be one round trip from now, but not slower than Reno.
void Congestion::grow_cubic(u32 acked, u32 mss, u64 rtt_ns, u64 now_ns) {
    if (epoch_ns_ == 0) {
        epoch_ns_ = now_ns;
        friendly_ = window_;
        remainder_ = 0;
        if (window_ < last_max_) {
            plateau_ms_ = cube_root(u64{last_max_ - window_} * kCubesPerSegment / mss);
            origin_ = last_max_;
        } else {
            plateau_ms_ = 0;
            origin_ = window_;
        }
    }
    const u64 t = (now_ns - epoch_ns_ + rtt_ns) / 1'000'000;
    const bool past = t > plateau_ms_;
    const u64 distance = std::min(past ? t - plateau_ms_ : plateau_ms_ - t, kMaxMilliseconds);
    const u64 rise = distance * distance * distance / 1000 * mss / (kCubesPerSegment / 1000);
    u64 target = past ? origin_ + rise : origin_ > rise ? origin_ - rise : 0;
    target = std::clamp<u64>(target, window_, u64{window_} * 3 / 2);

    // 4.3: alpha is 3 (1 - beta) / (1 + beta) until the old maximum is reached again, then 1.
    const u64 alpha = friendly_ < last_max_ ? 529 : 1000;
    friendly_ += alpha * acked * mss / (u64{1000} * window_);
    remainder_ += (target - window_) * acked;
    u64 grown = window_ + remainder_ / window_;
    remainder_ %= window_;
    grown = std::max(grown, friendly_);
    window_ = static_cast<u32>(std::min<u64>(grown, kMaxWindow));
}

// 4.6 and 4.7: beta is 0.7; with fast convergence.
void Congestion::reduce(u32 mss) {
    last_max_ = window_ < last_max_ ? static_cast<u32>(u64{window_} * 85 / 100) : window_;
    threshold_ = std::max(static_cast<u32>(u64{window_} * 7 / 10), 2 * mss);
    epoch_ns_ = 0;
}

void Congestion::on_loss(u32 mss) {
    reduce(mss);
    window_ = threshold_;
}

void Congestion::on_timeout(u32 mss, bool first) {
    if (first) reduce(mss);
    epoch_ns_ = 0;
    window_ = mss;
}

void Congestion::on_idle(u32 mss) {
    threshold_ = std::max(threshold_, window_ / 4 * 3);
    window_ = std::min(window_, 10 * mss);
    epoch_ns_ = 0;
}

}  // namespace astra::inet::tcp
