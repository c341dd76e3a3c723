// Scripts of single segments: what each state makes of resets, ends and strays (RFC 9293, 3.10.7), closed
// windows, and how the congestion window grows.
#include "tests/unit/net/segments.hpp"

namespace astra::inet::test {
namespace {

/// A connection in one of the states that a listener's can be in, and what a reset there comes to.
struct InState {
    State state;
    Errno error;  // of the reset; kSuccess: none
};
constexpr Errno kSuccess{};

class States : public Segments, public testing::WithParamInterface<InState> {
  protected:
    u32 peer_ = kPeerStart + 1, acked_ = 0;  // the peer's next sequence number; what it acknowledges
    void end() {
        stack_.enter(now_);
        connection_->end_sending();
        stack_.settle();
        acked_ = own_ + 1;
    }
    void bring_to(State state) {
        establish();
        acked_ = own_;
        const bool peer_first = state == State::CloseWait || state == State::LastAck;
        if (peer_first) inject(tcp::kFin | tcp::kAck, peer_++, acked_);
        if (state != State::Established && state != State::CloseWait) end();
        if (state == State::FinWait2 || state == State::TimeWait) inject(tcp::kAck, peer_, acked_);
        if (state == State::Closing) inject(tcp::kFin | tcp::kAck, peer_++, own_);
        if (state == State::TimeWait) inject(tcp::kFin | tcp::kAck, peer_++, acked_);
        ASSERT_EQ(connection_->state(), state);
        link_.sent_segments.clear();
    }
};

TEST_P(States, AResetEndsIt) {
    bring_to(GetParam().state);
    inject(tcp::kRst, peer_, 0);
    EXPECT_EQ(connection_->state(), State::Closed);
    EXPECT_EQ(connection_->error(), static_cast<int>(GetParam().error));
    expect_nothing();  // a reset is not answered
}

TEST_P(States, AResetThatOnlyFitsTheWindowIsChallenged) {  // RFC 5961, 3.2
    bring_to(GetParam().state);
    inject(tcp::kRst, peer_ + 1, 0);
    EXPECT_EQ(connection_->state(), GetParam().state);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, peer_);
}

TEST_P(States, AResetOutsideIsIgnored) {
    bring_to(GetParam().state);
    inject(tcp::kRst, peer_ - 100, 0);
    inject(tcp::kRst, peer_ + (1 << 24), 0);
    EXPECT_EQ(connection_->state(), GetParam().state);
    expect_nothing();
}

TEST_P(States, ASynIsChallenged) {  // RFC 5961, 4.2; in TimeWait one that fits begins anew (RFC 6191)
    if (GetParam().state == State::TimeWait) return;
    bring_to(GetParam().state);
    inject(tcp::kSyn, peer_, 0);
    EXPECT_EQ(connection_->state(), GetParam().state);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, peer_);
}

TEST_P(States, AcknowledgingWhatWasNeverSentIsAnsweredAndDropped) {  // RFC 9293, 3.10.7.4
    bring_to(GetParam().state);
    inject(tcp::kAck, peer_, acked_ + 1000, "lost");
    EXPECT_EQ(connection_->state(), GetParam().state);
    EXPECT_EQ(connection_->received_bytes(), 0u);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, peer_);
}

TEST_P(States, AnAcknowledgementFromLongAgoIsAnswered) {  // RFC 5961, 5.2
    bring_to(GetParam().state);
    inject(tcp::kAck, peer_, own_ - (1 << 24), "forged");
    EXPECT_EQ(connection_->received_bytes(), 0u);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, peer_);
}

INSTANTIATE_TEST_SUITE_P(
    All, States,
    testing::Values(InState{State::Established, Errno::kECONNRESET}, InState{State::CloseWait, Errno::kEPIPE},
                    InState{State::FinWait1, Errno::kECONNRESET},
                    InState{State::FinWait2, Errno::kECONNRESET}, InState{State::Closing, Errno::kECONNRESET},
                    InState{State::LastAck, Errno::kECONNRESET}, InState{State::TimeWait, kSuccess}),
    [](const auto& which) { return "State" + std::to_string(int(which.param.state)); });

TEST_F(States, AResetOfAHalfOpenConnectionIsForgotten) {
    inject(tcp::kSyn, kPeerStart, 0);
    expect(tcp::kSyn | tcp::kAck);
    inject(tcp::kRst, kPeerStart + 1, 0);
    pass(20 * kSecond);
    expect_nothing();  // the answer is not sent again
    EXPECT_FALSE(listener_->has_ready());
    establish();  // and the listener goes on
}

TEST_F(States, AfterItsEndItStillReceives) {  // half-close: RFC 9293, 3.6
    bring_to(State::FinWait2);
    inject(tcp::kAck, peer_, acked_, "more");
    EXPECT_EQ(received(), "more");
    inject(tcp::kFin | tcp::kAck, peer_ + 4, acked_);
    EXPECT_EQ(connection_->state(), State::TimeWait);
}

TEST_F(States, AFinBehindAHoleWaits) {
    establish();
    inject(tcp::kFin | tcp::kAck, kPeerStart + 4, own_, "def");
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 1);
    EXPECT_EQ(connection_->state(), State::Established);
    inject(tcp::kAck, kPeerStart + 1, own_, "abc");
    EXPECT_EQ(connection_->state(), State::CloseWait);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 8);
    EXPECT_EQ(received(), "abcdef");
}

TEST_F(States, NothingCountsBehindAFin) {
    bring_to(State::CloseWait);
    inject(tcp::kAck, peer_, acked_, "late");
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, peer_);
    EXPECT_EQ(connection_->received_bytes(), 0u);
}

TEST_F(States, AFinHeardAgainBeginsTimeWaitAnew) {  // RFC 9293, 3.10.7.4, eighth
    bring_to(State::TimeWait);
    pass(50 * kSecond);
    inject(tcp::kFin | tcp::kAck, peer_ - 1, acked_);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, peer_);
    pass(59 * kSecond);
    EXPECT_EQ(connection_->state(), State::TimeWait);
    pass(2 * kSecond);
    EXPECT_EQ(connection_->state(), State::Closed);
}

TEST_F(States, AClosedWindowIsProbedEverMoreSeldomAndNeverGivenUpWhileThereAreAnswers) {  // 3.8.6.1
    establish();
    inject(tcp::kAck, kPeerStart + 1, own_, {}, 0);
    send(100);
    u64 last = now_, before_last = 0;
    for (int probes = 0; probes < 20; probes++) {
        while (link_.sent_segments.empty()) pass(50 * kMillisecond);
        EXPECT_EQ(expect(tcp::kAck).sequence, own_ - 1);
        const u64 interval = now_ - last;
        EXPECT_GE(interval + 100 * kMillisecond, before_last);
        EXPECT_LE(interval, 121 * kSecond);
        before_last = interval, last = now_;
        inject(tcp::kAck, kPeerStart + 1, own_, {}, 0);
    }
    EXPECT_GT(before_last, 100 * kSecond);
    EXPECT_EQ(connection_->state(), State::Established);
}

TEST_F(States, AWindowTakenBackStopsWhatIsNew) {  // 3.8.6: must be robust against it
    establish();
    inject(tcp::kAck, kPeerStart + 1, own_, {}, 3000);
    send(6000);
    expect_data(3, 1000);
    inject(tcp::kAck, kPeerStart + 1, own_ + 1000, {}, 1000);  // the right edge moved to the left
    expect_nothing();
    inject(tcp::kAck, kPeerStart + 1, own_ + 3000, {}, 3000);
    expect_data(3, 1000);
}

TEST_F(States, TheTimeoutGrowsToTwoMinutes) {  // RFC 6298, 2.5 and 5.5; Linux's TCP_RTO_MAX
    establish();
    send(100);
    expect(tcp::kAck | tcp::kPsh, 100);
    u64 last = now_, longest = 0;
    for (int i = 0; i < 15; i++) {
        while (link_.sent_segments.empty()) pass(50 * kMillisecond);
        EXPECT_EQ(expect(tcp::kAck, 100).sequence, own_);
        EXPECT_GE(now_ - last + 100 * kMillisecond, longest);
        longest = now_ - last, last = now_;
    }
    EXPECT_NEAR(double(longest) / 1e9, 120, 0.1);
    EXPECT_EQ(connection_->state(), State::Established);
    pass(121 * kSecond);
    EXPECT_EQ(connection_->error(), static_cast<int>(Errno::kETIMEDOUT));
}

TEST_F(States, TheWindowStartsAtTenAndDoublesUntilLoss) {  // RFC 6928; RFC 5681, 3.1
    establish({.mss = 1000, .has_window_shift = true, .window_shift = 7});
    send(100'000);
    expect_data(10, 1000);
    for (u32 i = 1; i <= 10; i++) inject(tcp::kAck, kPeerStart + 1, own_ + i * 1000);
    expect_data(20, 1000);
    inject(tcp::kAck, kPeerStart + 1, own_ + 30'000);  // one for all of them counts as much
    expect_data(40, 1000);
    pass(3 * kSecond);  // the timer expires
    EXPECT_EQ(connection_->congestion().threshold(), 28'000u);
    EXPECT_EQ(connection_->congestion().window(), 1000u);
    link_.sent_segments.clear();
    inject(tcp::kAck, kPeerStart + 1, own_ + 31'000);
    EXPECT_EQ(connection_->congestion().window(), 2000u);
}

TEST_F(States, AWindowThatIsNotUsedDoesNotGrow) {  // RFC 7661 is why
    establish();
    for (u32 i = 1; i <= 50; i++) {
        send(1000);
        link_.sent_segments.clear();
        inject(tcp::kAck, kPeerStart + 1, own_ + i * 1000);
    }
    EXPECT_EQ(connection_->congestion().window(), 10'000u);
}

TEST_F(States, AWindowIsShiftedButInASyn) {  // RFC 7323, 2.2
    inject(tcp::kSyn, kPeerStart, 0, {}, 500, {.mss = 1000, .has_window_shift = true, .window_shift = 3});
    own_ = expect(tcp::kSyn | tcp::kAck).sequence + 1;
    inject(tcp::kAck, kPeerStart + 1, own_, {}, 500);
    connection_ = listener_->accept();
    ASSERT_TRUE(connection_);
    EXPECT_EQ(connection_->send_window(), 4000u);
    send(10'000);
    expect_data(4, 1000);
}

TEST_F(States, AResetNeedsNoTimestampAndAnOldOneIsNoExcuse) {  // RFC 7323, 5.2
    establish({.mss = 1000, .has_timestamps = true, .timestamp = 5000});
    inject(tcp::kRst, kPeerStart + 1, 0, {}, 0, {.has_timestamps = true, .timestamp = 1});
    EXPECT_EQ(connection_->error(), static_cast<int>(Errno::kECONNRESET));
}

TEST_F(States, TimestampsGrowStaleInTwentyFourDays) {  // RFC 7323, 5.5
    establish({.mss = 1000, .has_timestamps = true, .timestamp = 0x9000'0000});
    pass(u64{25} * 24 * 3600 * kSecond);
    inject(tcp::kAck, kPeerStart + 1, own_, "new", 65535, {.has_timestamps = true, .timestamp = 5});
    EXPECT_EQ(connection_->received_bytes(), 3u);
}

}  // namespace
}  // namespace astra::inet::test
