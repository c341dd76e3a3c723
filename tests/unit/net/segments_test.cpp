// Scripts of single segments: what a connection answers to each, as RFC 9293 and its kin have it.
#include "tests/unit/net/segments.hpp"

namespace astra::inet::test {
namespace {

TEST_F(Segments, OptionsAreOfferedOnlyWhenThePeerDoes) {
    inject(tcp::kSyn, kPeerStart, 0, {}, 65535, {.mss = 1000});
    Header answer = expect(tcp::kSyn | tcp::kAck);
    EXPECT_EQ(answer.mss, 1460);
    EXPECT_FALSE(answer.has_window_shift || answer.sack_permitted || answer.has_timestamps);
}

TEST_F(Segments, SegmentsAreAsLongAsThePeerAllows) {
    establish({.mss = 500});
    send(1200);
    expect(tcp::kAck, 500);
    expect(tcp::kAck, 500);
    expect_nothing();  // RFC 896: the rest waits
    inject(tcp::kAck, kPeerStart + 1, own_ + 1000);
    expect(tcp::kAck | tcp::kPsh, 200);
}

TEST_F(Segments, NobodyListensMeansReset) {
    listener_->close();
    inject(tcp::kSyn, kPeerStart, 0);
    EXPECT_EQ(expect(tcp::kRst | tcp::kAck).acknowledgement, kPeerStart + 1);
    inject(tcp::kAck, kPeerStart, 77);
    EXPECT_EQ(expect(tcp::kRst).sequence, 77u);
    inject(tcp::kRst, kPeerStart, 77);
    expect_nothing();
}

TEST_F(Segments, ResetsMustBeExact) {  // RFC 5961, 3.2
    establish();
    inject(tcp::kRst, kPeerStart + 100, 0);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 1);
    EXPECT_EQ(connection_->state(), State::Established);
    inject(tcp::kRst, kPeerStart + 1, 0);
    EXPECT_EQ(connection_->state(), State::Closed);
    EXPECT_EQ(connection_->error(), static_cast<int>(Errno::kECONNRESET));
}

TEST_F(Segments, ASynInsideIsChallenged) {  // RFC 5961, 4.2
    establish();
    inject(tcp::kSyn, kPeerStart + 50, 0);
    expect(tcp::kAck);
    EXPECT_EQ(connection_->state(), State::Established);
}

TEST_F(Segments, HolesAreReportedAndFilled) {
    establish({.mss = 1000, .sack_permitted = true});
    inject(tcp::kAck, kPeerStart + 6, own_, "fghij");
    Header answer = expect(tcp::kAck);
    EXPECT_EQ(answer.acknowledgement, kPeerStart + 1);
    ASSERT_EQ(answer.sack_count, 1);
    EXPECT_EQ(answer.sack[0], (tcp::Range{kPeerStart + 6, kPeerStart + 11}));
    inject(tcp::kAck, kPeerStart + 16, own_, "pq");
    answer = expect(tcp::kAck);
    ASSERT_EQ(answer.sack_count, 2);
    EXPECT_EQ(answer.sack[0], (tcp::Range{kPeerStart + 16, kPeerStart + 18}));  // the newest first
    inject(tcp::kAck, kPeerStart + 1, own_, "abcdefghijklmno");                 // overlaps what is there
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 18);
    std::vector<u8> got;
    receive_all(*connection_, got);
    EXPECT_EQ(std::string(got.begin(), got.end()), "abcdefghijklmnopq");
}

TEST_F(Segments, ThreeDuplicatesBringARetransmission) {  // RFC 5681, 3.2
    establish();
    send(5000);
    for (int i = 0; i < 5; i++) link_.sent_segments.erase(link_.sent_segments.begin());
    for (int i = 0; i < 2; i++) inject(tcp::kAck, kPeerStart + 1, own_);
    expect_nothing();
    inject(tcp::kAck, kPeerStart + 1, own_);
    EXPECT_EQ(expect(tcp::kAck, 1000).sequence, own_);
}

TEST_F(Segments, TimeoutsDouble) {  // RFC 6298, 5.5
    establish();
    send(100);
    expect(tcp::kAck | tcp::kPsh, 100);
    pass(kSecond * 9 / 10);
    const u32 first = connection_->retransmitted();
    EXPECT_GE(first, 1u);
    pass(60 * kSecond);
    EXPECT_LE(connection_->retransmitted(), first + 9);
    EXPECT_EQ(connection_->state(), State::Established);
}

TEST_F(Segments, AClosedWindowHoldsBytesBackAndIsProbed) {
    establish();
    inject(tcp::kAck, kPeerStart + 1, own_, {}, 0);
    send(100);
    expect_nothing();
    pass(2 * kSecond);
    EXPECT_EQ(expect(tcp::kAck).sequence, own_ - 1);
    link_.sent_segments.clear();
    inject(tcp::kAck, kPeerStart + 1, own_, {}, 1000);
    expect(tcp::kAck | tcp::kPsh, 100);
}

TEST_F(Segments, BytesOutsideTheWindowAreNotTaken) {
    establish();
    inject(tcp::kAck, kPeerStart + 1 + (10 << 20), own_, "far away");
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 1);
    EXPECT_EQ(connection_->received_bytes(), 0u);
}

TEST_F(Segments, BothEndsCloseAtOnce) {  // RFC 9293, figure 13
    establish();
    connection_->end_sending();
    EXPECT_EQ(expect(tcp::kFin | tcp::kAck).sequence, own_);
    inject(tcp::kFin | tcp::kAck, kPeerStart + 1, own_);
    EXPECT_EQ(connection_->state(), State::Closing);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 2);
    inject(tcp::kAck, kPeerStart + 2, own_ + 1);
    EXPECT_EQ(connection_->state(), State::TimeWait);
    inject(tcp::kFin | tcp::kAck, kPeerStart + 1, own_ + 1);
    expect(tcp::kAck);  // heard again
    pass(61 * kSecond);
    EXPECT_EQ(connection_->state(), State::Closed);
}

TEST_F(Segments, OldTimestampsAreRefused) {  // RFC 7323, 5.3
    establish({.mss = 1000, .has_timestamps = true, .timestamp = 5000});
    Header late{.has_timestamps = true, .timestamp = 4000};
    inject(tcp::kAck, kPeerStart + 1, own_, "old", 65535, late);
    EXPECT_EQ(expect(tcp::kAck).acknowledgement, kPeerStart + 1);
    EXPECT_EQ(connection_->received_bytes(), 0u);
    late.timestamp = 5001;
    inject(tcp::kAck, kPeerStart + 1, own_, "new", 65535, late);
    EXPECT_EQ(connection_->received_bytes(), 3u);
}

TEST_F(Segments, BrokenChecksumsAreDropped) {
    establish();
    inject(tcp::kAck, kPeerStart + 1, own_, "good");
    EXPECT_EQ(connection_->received_bytes(), 4u);
    Own<Packet> packet = *Packet::make(34 + 20);
    std::fill_n(packet->data(), 54, u8{0});
    store16(packet->data() + 12, 0x0800);
    const u64 before = stack_.counters.ip_header_errors;
    packet->data()[14] = 0x45;
    stack_.receive(link_, std::move(packet));
    EXPECT_EQ(stack_.counters.ip_header_errors, before + 1);
}

}  // namespace
}  // namespace astra::inet::test
