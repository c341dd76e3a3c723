// Scripts of single segments: loss, the timers, small segments, and paths that grow narrow.
#include <cmath>

#include "tests/unit/net/segments.hpp"

namespace astra::inet::test {
namespace {

constexpr Header kModern{.mss = 1000, .sack_permitted = true};

class Recovery : public Segments {
  protected:
    /// An acknowledgement of the first `bytes` bytes, with stretches of bytes [begin, end) beyond.
    void acknowledge(u32 bytes, std::initializer_list<tcp::Range> more = {}) {
        Header header;
        for (tcp::Range range : more)
            header.sack[header.sack_count++] = {own_ + range.begin, own_ + range.end};
        inject(tcp::kAck, kPeerStart + 1, own_ + bytes, {}, 65535, header);
    }
    /// Connected, the round trip takes 100 ms, ten segments of 1000 bytes are under way.
    void ten_under_way(Header options = kModern) {
        establish_slowly(options);
        send(10'000);
        expect_data(10, 1000);
        pass(100 * kMillisecond);
    }
    void establish_slowly(Header options) {
        inject(tcp::kSyn, kPeerStart, 0, {}, 65535, options);
        own_ = expect(tcp::kSyn | tcp::kAck).sequence + 1;
        pass(100 * kMillisecond);
        inject(tcp::kAck, kPeerStart + 1, own_);
        connection_ = listener_->accept();
        ASSERT_TRUE(connection_);
    }
    u32 window() { return connection_->congestion().window(); }
};

TEST_F(Recovery, ThreeSegmentsBeyondAHoleMeanItIsLost) {  // RFC 8985, 6.2
    ten_under_way();
    acknowledge(0, {{1000, 2000}});
    acknowledge(0, {{1000, 3000}});
    expect_nothing();
    acknowledge(0, {{1000, 4000}});
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_);
    expect_nothing();
    EXPECT_EQ(window(), 7000u);  // RFC 9438, 4.6: beta is 0.7
}

TEST_F(Recovery, AnEarlySegmentIsGivenAQuarterOfARoundTrip) {  // RFC 8985, 6.2, step 5
    ten_under_way();
    acknowledge(0, {{1000, 2000}});
    pass(20 * kMillisecond);
    expect_nothing();
    pass(10 * kMillisecond);
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_);
}

TEST_F(Recovery, ALostRetransmissionIsNoticed) {
    ten_under_way();
    acknowledge(0, {{1000, 10'000}});
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_);
    send(3000);
    expect_data(3, 1000);
    pass(100 * kMillisecond);
    acknowledge(0, {{1000, 11'000}});  // what left after the retransmission is there
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_);
    EXPECT_EQ(window(), 7000u);  // one reduction for one loss
    acknowledge(11'000);
    expect_nothing();
}

TEST_F(Recovery, EveryHoleIsFilledInOrder) {
    ten_under_way();
    acknowledge(0, {{7000, 8000}, {4000, 5000}, {2000, 3000}});
    acknowledge(0, {{9000, 10'000}, {7000, 8000}, {4000, 5000}});
    std::vector<u32> again;
    while (!link_.sent_segments.empty()) again.push_back(expect(tcp::kAck, 1000).sequence - own_);
    EXPECT_EQ(again, (std::vector<u32>{0, 1000, 3000, 5000, 6000, 8000}));
}

TEST_F(Recovery, ALateSegmentTeachesPatience) {  // RFC 8985, 6.2, step 3
    ten_under_way();
    acknowledge(0, {{1000, 2000}});
    acknowledge(2000);  // it was only late
    acknowledge(2000, {{3000, 6000}});
    expect_nothing();  // three beyond the hole do no longer mean a loss at once
    pass(30 * kMillisecond);
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_ + 2000);
}

TEST_F(Recovery, WhatComesTooSoonAfterARetransmissionWasOnlyLate) {
    ten_under_way();
    pass(100 * kMillisecond);  // a queue: the round trip is twice its minimum
    acknowledge(1000);
    acknowledge(1000, {{2000, 5000}});
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_ + 1000);
    pass(50 * kMillisecond);
    acknowledge(5000);  // by the first transmission: nothing tells of a loss behind it
    expect_nothing();
}

TEST_F(Recovery, TheTailIsProbed) {  // RFC 8985, 7
    ten_under_way();
    acknowledge(7000);
    expect_nothing();
    pass(210 * kMillisecond);  // two round trips, long before the retransmission timer expires
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_ + 9000);
    expect_nothing();
    pass(100 * kMillisecond);
    acknowledge(7000, {{9000, 10'000}});
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_ + 7000);  // the probe's answer showed the holes
}

TEST_F(Recovery, WithoutSackEveryPartialAcknowledgementRepairsOne) {  // RFC 6582
    ten_under_way({.mss = 1000});
    for (int i = 0; i < 3; i++) acknowledge(0);
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_);
    expect_nothing();
    acknowledge(4000);
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_ + 4000);
    acknowledge(10'000);
    expect_nothing();
    EXPECT_EQ(connection_->retransmitted(), 2u);
}

TEST_F(Recovery, TheTimerExpiresAndBacksOff) {  // RFC 6298
    establish_slowly({.mss = 1000});
    send(1000);
    expect_data(1, 1000);
    u64 wait = connection_->round_trip().timeout();
    EXPECT_GE(wait, 300 * kMillisecond);  // a round trip, and Linux's TCP_RTO_MIN of variance
    for (int i = 0; i < 4; i++, wait *= 2) {
        pass(wait - kMillisecond);
        expect_nothing();
        pass(kMillisecond);
        EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_);
    }
    EXPECT_EQ(window(), 1000u);  // RFC 5681, 3.1
    acknowledge(1000);
    EXPECT_EQ(connection_->round_trip().smoothed(), 100 * kMillisecond);  // Karn: it was sent more than once
}

TEST_F(Recovery, APeerMayForgetWhatItAcknowledgedSelectively) {  // RFC 2018, 8
    ten_under_way();
    acknowledge(0, {{1000, 10'000}});
    expect_data(1, 1000);
    acknowledge(1000, {{2000, 10'000}});  // reneged: 1000 is first again, and selectively acknowledged before
    pass(kSecond);
    ASSERT_FALSE(link_.sent_segments.empty());
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_ + 1000);
}

TEST_F(Recovery, WhatArrivesTwiceIsReported) {  // RFC 2883, 4
    establish(kModern);
    inject(tcp::kAck, kPeerStart + 1, own_, "abcdef");
    link_.sent_segments.clear();
    inject(tcp::kAck, kPeerStart + 1, own_, "abc");
    Header answer = expect(tcp::kAck);
    EXPECT_EQ(answer.acknowledgement, kPeerStart + 7);
    ASSERT_EQ(answer.sack_count, 1);
    EXPECT_EQ(answer.sack[0], (tcp::Range{kPeerStart + 1, kPeerStart + 4}));
}

TEST_F(Recovery, ANarrowPathMakesSegmentsShorter) {  // RFC 1191; RFC 5927 for who may say so
    ten_under_way();
    inject_too_long(600, own_ - 5000);  // quotes nothing that is under way
    EXPECT_EQ(connection_->segment_size(), 1000u);
    expect_nothing();
    inject_too_long(600, own_);
    EXPECT_EQ(connection_->segment_size(), 560u);
    EXPECT_EQ(expect(tcp::kAck, 560).sequence, own_);
    EXPECT_EQ(expect(tcp::kAck, 440).sequence, own_ + 560);
    inject_too_long(68, own_);
    EXPECT_GE(connection_->segment_size(), 536u);  // no narrower than anything must be
}

TEST_F(Recovery, AcknowledgementsWaitForASecondSegment) {  // RFC 9293, 3.8.6.3
    establish();
    for (int i = 0; i < 16; i++)
        inject(tcp::kAck, kPeerStart + 1 + 2 * u32(i), own_, "ab");  // quick at first
    link_.sent_segments.clear();
    inject(tcp::kAck, kPeerStart + 33, own_, "ab");
    expect_nothing();
    pass(40 * kMillisecond);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 35);
    inject(tcp::kAck, kPeerStart + 35, own_, "ab");
    expect_nothing();
    inject(tcp::kAck, kPeerStart + 37, own_, "ab");
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 39);
    inject(tcp::kAck, kPeerStart + 39, own_, "ab");
    send(10);  // takes the acknowledgement along
    EXPECT_EQ(expect(tcp::kAck | tcp::kPsh, 10).acknowledgement, kPeerStart + 41);
    pass(50 * kMillisecond);
    expect_nothing();
}

TEST_F(Recovery, ACorkHoldsBackWhatFillsNoSegment) {  // tcp(7), TCP_CORK
    establish();
    tcp::Settings settings = connection_->settings();
    settings.cork = true;
    connection_->set(settings);
    send(1500);
    expect_data(1, 1000);
    inject(tcp::kAck, kPeerStart + 1, own_ + 1000);
    expect_nothing();
    settings.cork = false;
    connection_->set(settings);
    expect(tcp::kAck | tcp::kPsh, 500);
    settings.cork = true;
    connection_->set(settings);
    send(10);
    pass(199 * kMillisecond);
    expect_nothing();
    pass(kMillisecond);
    expect(tcp::kAck | tcp::kPsh, 10);
}

TEST_F(Recovery, ACrumbOfAWindowIsNotUsed) {  // RFC 9293, 3.8.6.2.1
    establish();
    inject(tcp::kAck, kPeerStart + 1, own_, {}, 100);
    send(5000);
    expect_nothing();
    inject(tcp::kAck, kPeerStart + 1, own_, {}, 3000);
    expect_data(3, 1000);
}

TEST_F(Recovery, TimestampsAreEchoed) {  // RFC 7323, 4
    establish({.mss = 1000, .has_timestamps = true, .timestamp = 5000});
    inject(tcp::kAck, kPeerStart + 1, own_, "ab", 65535, {.has_timestamps = true, .timestamp = 5010});
    EXPECT_EQ(expect(tcp::kAck).echo, 5010u);
    inject(tcp::kAck, kPeerStart + 5, own_, "ef", 65535, {.has_timestamps = true, .timestamp = 5020});
    EXPECT_EQ(expect(tcp::kAck).echo, 5010u);  // of the last segment in order
    inject(tcp::kAck, kPeerStart + 3, own_, "cd", 65535, {.has_timestamps = true, .timestamp = 5030});
    EXPECT_EQ(expect(tcp::kAck).echo, 5030u);
}

TEST(Cubic, ReturnsToWhereItWasAndStaysThereAwhile) {  // RFC 9438, 4.2
    tcp::Congestion congestion;
    congestion.start(1000);
    const u64 rtt = 100 * kMillisecond;
    u64 now = kSecond;
    auto round = [&] {
        for (u32 acked = 0, window = congestion.window(); acked < window; acked += 1000)
            congestion.on_ack(1000, 1000, rtt, now);
        now += rtt;
    };
    while (congestion.window() < 100'000) round();  // slow start doubles
    EXPECT_EQ(now, kSecond + 4 * rtt);
    const u32 before_loss = congestion.window();
    congestion.on_loss(1000);
    EXPECT_EQ(congestion.window(), before_loss * 7 / 10);
    // K is the cube root of 0.3 W / C: after so long the old window is there again.
    const double seconds = std::cbrt(0.3 * before_loss / 1000 / 0.4);
    const u64 loss = now;
    while (double(now - loss) / 1e9 < seconds / 2) round();
    EXPECT_GT(congestion.window(), before_loss * 9 / 10);
    EXPECT_LT(congestion.window(), before_loss);
    while (double(now - loss) / 1e9 < seconds) round();
    EXPECT_NEAR(congestion.window(), before_loss, before_loss / 50);
    while (double(now - loss) / 1e9 < 2 * seconds) round();
    EXPECT_GT(congestion.window(), before_loss * 12 / 10);  // beyond, ever faster
}

}  // namespace
}  // namespace astra::inet::test
