// Scripts of single segments: how connections come about and end, and what SYNs are answered under pressure.
#include "guest_kernel/net/tcp/cookies.hpp"
#include "tests/unit/net/segments.hpp"

namespace astra::inet::test {
namespace {

TEST_F(Segments, ASynOffersEverythingAndTheAnswerDecides) {  // RFC 7323, 2.2; RFC 2018, 2
    Header syn = connect();
    EXPECT_EQ(syn.mss, 1460);
    EXPECT_TRUE(syn.has_window_shift && syn.sack_permitted && syn.has_timestamps);
    inject(tcp::kSyn | tcp::kAck, kPeerStart, own_, {}, 1000,
           {.mss = 1400, .has_window_shift = true, .window_shift = 4});
    Header ack = expect(tcp::kAck);
    EXPECT_EQ(ack.acknowledgement, kPeerStart + 1);
    EXPECT_FALSE(ack.has_timestamps);
    EXPECT_FALSE(connection_->uses_sack());
    EXPECT_EQ(connection_->send_window(), 1000u);  // that of a SYN is not scaled
    inject(tcp::kAck, kPeerStart + 1, own_, {}, 1000);
    EXPECT_EQ(connection_->send_window(), 16000u);
}

TEST_F(Segments, AWindowShiftIsFourteenAtMost) {  // RFC 7323, 2.3
    connect();
    inject(tcp::kSyn | tcp::kAck, kPeerStart, own_, {}, 1000,
           {.mss = 1400, .has_window_shift = true, .window_shift = 15});
    EXPECT_EQ(connection_->send_shift(), 14);
}

TEST_F(Segments, AnUnansweredSynIsSentAgainEverLater) {  // RFC 6298, 2.1 and 5.5
    connect();
    for (u64 wait : {1, 2, 4, 8}) {
        pass(wait * kSecond - kMillisecond);
        expect_nothing();
        pass(kMillisecond);
        EXPECT_EQ(expect(tcp::kSyn).sequence, own_ - 1);
    }
}

TEST_F(Segments, AnAnsweredSynIsSentAgainUntilItIsAcknowledged) {
    inject(tcp::kSyn, kPeerStart, 0);
    Header answer = expect(tcp::kSyn | tcp::kAck);
    pass(kSecond);
    EXPECT_EQ(expect(tcp::kSyn | tcp::kAck).sequence, answer.sequence);
    inject(tcp::kSyn, kPeerStart, 0);  // the peer did not hear it
    EXPECT_EQ(expect(tcp::kSyn | tcp::kAck).sequence, answer.sequence);
    EXPECT_FALSE(listener_->has_ready());
    inject(tcp::kAck, kPeerStart + 1, answer.sequence + 2);  // acknowledges what was not sent
    EXPECT_EQ(expect(tcp::kRst).sequence, answer.sequence + 2);
    inject(tcp::kAck, kPeerStart + 1, answer.sequence + 1);
    EXPECT_TRUE(listener_->has_ready());
}

TEST_F(Segments, BothEndsOpenAtOnce) {  // RFC 9293, figure 7
    connect();
    inject(tcp::kSyn, kPeerStart, 0, {}, 65535, {.mss = 1000});
    Header answer = expect(tcp::kSyn | tcp::kAck);
    EXPECT_EQ(answer.sequence, own_ - 1);
    EXPECT_EQ(answer.acknowledgement, kPeerStart + 1);
    EXPECT_EQ(connection_->state(), State::SynReceived);
    inject(tcp::kSyn | tcp::kAck, kPeerStart, own_, {}, 65535, {.mss = 1000});
    if (connection_->state() == State::SynReceived) inject(tcp::kAck, kPeerStart + 1, own_);
    EXPECT_EQ(connection_->state(), State::Established);
    link_.sent_segments.clear();
    send(10);
    EXPECT_EQ(expect(tcp::kAck | tcp::kPsh, 10).sequence, own_);
}

TEST_F(Segments, AnAnswerToAnotherSynIsReset) {  // RFC 9293, figure 8: a half-open connection of the peer's
    connect();
    inject(tcp::kAck, kPeerStart, own_ + 1000);
    EXPECT_EQ(expect(tcp::kRst).sequence, own_ + 1000);
    EXPECT_EQ(connection_->state(), State::SynSent);
    inject(tcp::kRst, kPeerStart, own_);  // no acknowledgement: it may be anybody's
    EXPECT_EQ(connection_->state(), State::SynSent);
    inject(tcp::kRst | tcp::kAck, 0, own_);
    EXPECT_EQ(connection_->error(), static_cast<int>(Errno::kECONNREFUSED));
}

TEST_F(Segments, ThisEndClosesFirst) {  // RFC 9293, figure 12
    establish();
    send(10);
    expect(tcp::kAck | tcp::kPsh, 10);
    connection_->end_sending();
    EXPECT_EQ(expect(tcp::kFin | tcp::kAck).sequence, own_ + 10);
    EXPECT_EQ(connection_->state(), State::FinWait1);
    inject(tcp::kAck, kPeerStart + 1, own_ + 11);
    EXPECT_EQ(connection_->state(), State::FinWait2);
    inject(tcp::kAck, kPeerStart + 1, own_ + 11, "late");  // the other direction goes on
    EXPECT_EQ(received(), "late");
    link_.sent_segments.clear();
    inject(tcp::kFin | tcp::kAck, kPeerStart + 5, own_ + 11);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 6);
    EXPECT_EQ(connection_->state(), State::TimeWait);
}

TEST_F(Segments, ThePeerClosesFirst) {
    establish();
    inject(tcp::kFin | tcp::kAck, kPeerStart + 1, own_, "end");
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 5);
    EXPECT_EQ(connection_->state(), State::CloseWait);
    EXPECT_EQ(received(), "end");
    EXPECT_TRUE(connection_->receive_ended());
    send(10);
    expect(tcp::kAck | tcp::kPsh, 10);
    connection_->end_sending();
    expect(tcp::kFin | tcp::kAck);
    EXPECT_EQ(connection_->state(), State::LastAck);
    inject(tcp::kAck, kPeerStart + 5, own_ + 11);
    EXPECT_EQ(connection_->state(), State::Closed);
    EXPECT_EQ(connection_->error(), 0);
}

TEST_F(Segments, AFinIsSentAgain) {
    establish();
    connection_->end_sending();
    expect(tcp::kFin | tcp::kAck);
    pass(kSecond);
    ASSERT_FALSE(link_.sent_segments.empty());
    EXPECT_EQ(expect(tcp::kFin | tcp::kAck).sequence, own_);
}

TEST_F(Segments, DataForAProgramThatIsGoneIsReset) {  // RFC 2525, 2.17
    establish();
    connection_->close();
    expect(tcp::kFin | tcp::kAck);
    inject(tcp::kAck, kPeerStart + 1, own_ + 1, "anybody?");
    EXPECT_TRUE(expect(tcp::kRst | tcp::kAck).flags & tcp::kRst);
}

TEST_F(Segments, AnOrphanDoesNotWaitForAFinForever) {  // net.ipv4.tcp_fin_timeout
    establish();
    connection_->close();
    inject(tcp::kAck, kPeerStart + 1, own_ + 1);
    EXPECT_EQ(connection_->state(), State::FinWait2);
    pass(61 * kSecond);
    EXPECT_EQ(connection_->state(), State::Closed);
}

TEST_F(Segments, ANewSynTakesThePlaceOfWhatOnlyWaits) {  // RFC 6191
    establish();
    connection_->end_sending();
    inject(tcp::kFin | tcp::kAck, kPeerStart + 1, own_ + 1);
    EXPECT_EQ(connection_->state(), State::TimeWait);
    link_.sent_segments.clear();
    inject(tcp::kSyn, kPeerStart + 100'000, 0);
    EXPECT_EQ(expect(tcp::kSyn | tcp::kAck).acknowledgement, kPeerStart + 100'001);
    EXPECT_EQ(connection_->state(), State::Closed);
}

TEST_F(Segments, NoMoreThanTheBacklogWait) {
    for (u16 i = 0; i <= listener_->backlog; i++) {
        peer_port_ = static_cast<u16>(kPeerPort + i);
        inject(tcp::kSyn, kPeerStart, 0);
        inject(tcp::kAck, kPeerStart + 1, expect(tcp::kSyn | tcp::kAck).sequence + 1);
    }
    EXPECT_EQ(listener_->ready(), listener_->backlog + 1);
    peer_port_ = 5000;
    inject(tcp::kSyn, kPeerStart, 0);
    expect_nothing();  // it tries again
    connection_ = listener_->accept();
    inject(tcp::kSyn, kPeerStart, 0);
    expect(tcp::kSyn | tcp::kAck);
}

TEST_F(Segments, AFloodOfSynsIsAnsweredWithCookies) {  // RFC 4987, 3.6
    for (u16 i = 0; i < 1024; i++) {
        peer_port_ = static_cast<u16>(10'000 + i);
        inject(tcp::kSyn, kPeerStart, 0, {}, 65535, {.mss = 1300, .sack_permitted = true});
    }
    link_.sent_segments.clear();
    peer_port_ = 9000;
    inject(tcp::kSyn, kPeerStart, 0, {}, 65535, {.mss = 1250, .sack_permitted = true});
    const Header cookie = expect(tcp::kSyn | tcp::kAck);
    EXPECT_EQ(cookie.acknowledgement, kPeerStart + 1);
    EXPECT_EQ(cookie.mss, 1460);
    EXPECT_FALSE(cookie.sack_permitted);
    pass(500 * kMillisecond);  // nothing is kept, so nothing is sent again
    expect_nothing();
    EXPECT_FALSE(listener_->has_ready());
    inject(tcp::kAck, kPeerStart + 1, cookie.sequence + 2);  // a guess
    EXPECT_EQ(expect(tcp::kRst).sequence, cookie.sequence + 2);
    EXPECT_FALSE(listener_->has_ready());
    inject(tcp::kAck, kPeerStart + 1, cookie.sequence + 1, "first words");
    ASSERT_TRUE(listener_->has_ready());
    connection_ = listener_->accept();
    EXPECT_EQ(connection_->state(), State::Established);
    EXPECT_EQ(connection_->segment_size(), 1220u);  // the next smaller one that a cookie can tell
    EXPECT_EQ(received(), "first words");
}

TEST_F(Segments, ACookieGoesStale) {
    stack_.enter(now_);
    const Endpoint local{IpAddress::v4(kOwn), kOwnPort}, remote{IpAddress::v4(kPeer), kPeerPort};
    const Header syn{.sequence = kPeerStart, .flags = tcp::kSyn, .mss = 1460};
    Header ack{.sequence = kPeerStart + 1,
               .acknowledgement = tcp::make_cookie(stack_, local, remote, syn) + 1};
    EXPECT_EQ(tcp::check_cookie(stack_, local, remote, ack), 1460);
    EXPECT_EQ(tcp::check_cookie(stack_, local, {remote.address, 4001}, ack), 0);
    stack_.enter(now_ + tcp::kCookieLifeNs);
    EXPECT_EQ(tcp::check_cookie(stack_, local, remote, ack), 0);
}

TEST_F(Segments, ASilentPeerIsAskedAndGivenUp) {  // RFC 9293, 3.8.4; tcp(7), TCP_KEEPIDLE and its kin
    establish();
    tcp::Settings settings = connection_->settings();
    settings.keep_alive = true;
    settings.keep_idle_s = 60, settings.keep_interval_s = 10, settings.keep_probes = 2;
    stack_.enter(now_);
    connection_->set(settings);
    pass(60 * kSecond);
    EXPECT_EQ(expect(tcp::kAck).sequence, own_ - 1);
    inject(tcp::kAck, kPeerStart + 1, own_);  // it is there
    pass(59 * kSecond);
    expect_nothing();
    pass(11 * kSecond);
    expect(tcp::kAck);
    expect(tcp::kAck);
    pass(10 * kSecond);
    expect(tcp::kRst | tcp::kAck);
    EXPECT_EQ(connection_->error(), static_cast<int>(Errno::kETIMEDOUT));
}

}  // namespace
}  // namespace astra::inet::test
