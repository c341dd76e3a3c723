// What was sent and is not acknowledged: the scoreboard (RFC 6675), and which of it is lost, found out by the
// times at which segments left (RACK, RFC 8985).
#pragma once
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/net/tcp/header.hpp"

namespace astra::inet::tcp {

/// A stretch of sequence numbers that left together, FIN included.
struct Sent {
    u32 begin = 0, end = 0;
    u64 at_ns = 0;  // when it left last
    bool again = false;
    bool sacked = false, lost = false;  // one of them at most
    [[nodiscard]] u32 size() const { return end - begin; }
};

class Flight {
  public:
    /// What an acknowledgement brought to light.
    struct News {
        u64 round_trip_ns = 0;   // of the first segment that arrived and was sent only once; 0: none was
        u64 repaired_at_ns = 0;  // when the last one that is acknowledged was sent again; 0: none was
    };

    /// Makes room for the first records, which cannot fail from then on. Error: ENOMEM.
    Result<void> prepare() { return sent_.reserve(4); }
    [[nodiscard]] bool empty() const { return head_ == sent_.size(); }
    /// Bytes in the network, by estimate: neither selectively acknowledged nor lost.
    [[nodiscard]] u32 pipe() const { return total_ - sacked_ - lost_; }
    [[nodiscard]] u32 sacked_bytes() const { return sacked_; }
    [[nodiscard]] u32 lost_bytes() const { return lost_; }

    /// [begin, end) follows what was sent before and leaves now.
    void add(u32 begin, u32 end, u64 now_ns);
    /// Everything before `ack` has arrived. `least_rtt_ns`: RoundTrip::least_plausible().
    void acknowledge(u32 ack, u64 now_ns, u64 least_rtt_ns, News& news);
    /// `range` has arrived, says a SACK option.
    void sack(Range range, u64 now_ns, u64 least_rtt_ns, News& news);
    /// Something arrived twice (a D-SACK, RFC 2883): the reordering window was too small. `next`: SND.NXT.
    void duplicate_reported(u32 acknowledged, u32 next);

    /// The first stretch that is lost, at most `most` bytes of it; empty when nothing is.
    [[nodiscard]] Range first_lost(u32 most) const;
    /// The last stretch, at most `most` bytes of its end.
    [[nodiscard]] Range last(u32 most) const;
    /// `range`, as first_lost() or last() gave it, leaves again now.
    void resent(Range range, u64 now_ns);

    /// Declares lost what left longer ago than what has arrived since. Answers when to ask again; ~0: no need
    /// to. `impatient`: segments that came early are held for a loss, not for reordering, as long as none was
    /// seen.
    u64 detect_loss(u64 now_ns, u64 minimum_rtt_ns, u64 smoothed_ns, bool impatient);
    /// The retransmission timer expired: the first segment is lost, and all that is overdue.
    void time_out(u64 now_ns, u64 minimum_rtt_ns, u64 smoothed_ns);
    /// The first `most` bytes are lost, if they are not known to have arrived.
    void lose_first(u32 most);
    /// All that is not known to have arrived is lost.
    void lose_all();
    void clear();

  private:
    [[nodiscard]] usize find(u32 sequence) const;
    bool split(usize at, u32 sequence);
    u64 stamp(u64 now_ns);
    void lose(Sent& sent);
    void deliver(const Sent& sent, u64 now_ns, u64 least_rtt_ns);
    [[nodiscard]] u64 reordering_window(u64 minimum_rtt_ns, u64 smoothed_ns, bool impatient) const;

    Vector<Sent> sent_;  // by sequence number, from head_ on
    usize head_ = 0;
    u32 total_ = 0, sacked_ = 0, lost_ = 0;  // bytes
    u64 latest_ns_ = 0;                      // when a segment left last
    // The segment that left last of those that arrived (RACK.xmit_ts, RACK.rtt), and RACK.fack.
    u64 arrived_at_ns_ = 0, arrived_rtt_ns_ = 0;
    u32 foremost_ = 0;
    bool reordering_seen_ = false;
    u32 window_steps_ = 1;    // RACK.reo_wnd_mult
    u32 window_step_at_ = 0;  // SND.NXT when it grew
};

}  // namespace astra::inet::tcp
