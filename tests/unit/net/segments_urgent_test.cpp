// Scripts of single segments: urgent data, as Linux has them (RFC 9293, 3.8.5; RFC 6093;
// net/ipv4/tcp_input.c).
#include "tests/unit/net/segments.hpp"

namespace astra::inet::test {
namespace {

using Mark = tcp::UrgentMark::State;

class Urgent : public Segments {
  protected:
    /// `data` from `offset` on, with a pointer to the byte behind the urgent one.
    void inject_urgent(u32 offset, std::string_view data, u16 pointer) {
        inject(tcp::kAck | tcp::kUrg, kPeerStart + 1 + offset, own_, data, 65535, {.urgent = pointer});
        link_.sent_segments.clear();
    }
    void send_urgent(usize bytes) {
        stack_.enter(now_);
        connection_->append(*Packet::make(bytes, 0), false, true);
        stack_.settle();
    }
    Mark mark() { return connection_->urgent().state; }
};

TEST_F(Urgent, ThePointerMeansTheByteBehind) {
    establish();
    inject_urgent(0, "abc", 3);
    EXPECT_EQ(mark(), Mark::There);
    EXPECT_EQ(connection_->urgent().byte, 'c');
    EXPECT_EQ(connection_->bytes_to_mark(), 2u);
    stack_.enter(now_);
    connection_->consume(2);
    EXPECT_EQ(connection_->bytes_to_mark(), 0u);
    connection_->consume(1);
    EXPECT_EQ(mark(), Mark::None);  // read past
}

TEST_F(Urgent, ItIsAnnouncedBeforeItComes) {
    establish();
    inject_urgent(0, "", 5);  // a bare acknowledgement says so
    EXPECT_EQ(mark(), Mark::Awaited);
    inject(tcp::kAck, kPeerStart + 1, own_, "abcd");
    EXPECT_EQ(mark(), Mark::Awaited);
    EXPECT_EQ(connection_->bytes_to_mark(), 4u);
    inject(tcp::kAck, kPeerStart + 5, own_, "e");
    EXPECT_EQ(mark(), Mark::There);
    EXPECT_EQ(connection_->urgent().byte, 'e');
}

TEST_F(Urgent, ItMayComeBeforeWhatIsMissing) {
    establish();
    inject_urgent(3, "defg", 2);  // behind a hole
    EXPECT_EQ(mark(), Mark::There);
    EXPECT_EQ(connection_->urgent().byte, 'e');
    EXPECT_EQ(connection_->received_bytes(), 0u);
    EXPECT_EQ(connection_->bytes_to_mark(), 4u);
}

TEST_F(Urgent, ALaterByteTakesThePlaceAndAnOldPointerDoesNotComeBack) {
    establish();
    inject_urgent(0, "ab", 2);
    connection_->take_urgent();
    EXPECT_EQ(mark(), Mark::Taken);
    inject_urgent(0, "ab", 2);  // sent again
    EXPECT_EQ(mark(), Mark::Taken);
    inject_urgent(2, "cd", 2);
    EXPECT_EQ(mark(), Mark::There);
    EXPECT_EQ(connection_->urgent().byte, 'd');
    EXPECT_EQ(connection_->bytes_to_mark(), 3u);
    EXPECT_EQ(received(), "abcd");  // to the engine it is a byte of the stream
}

TEST_F(Urgent, ByteAtTheMarkIsDroppedWhenTheNextIsAnnounced) {
    establish();
    inject_urgent(0, "a", 1);
    inject_urgent(1, "bc", 2);
    EXPECT_EQ(received(), "bc");
}

TEST_F(Urgent, InlineNothingIsDropped) {
    establish();
    connection_->set({.urgent_inline = true});
    inject_urgent(0, "a", 1);
    inject_urgent(1, "bc", 2);
    EXPECT_EQ(received(), "abc");
}

TEST_F(Urgent, EverySegmentUpToItSaysWhereItIs) {
    establish();
    send_urgent(2500);
    EXPECT_EQ(expect(tcp::kAck | tcp::kUrg, 1000).urgent, 2500);
    EXPECT_EQ(expect(tcp::kAck | tcp::kUrg, 1000).urgent, 1500);
    EXPECT_EQ(expect(tcp::kAck | tcp::kPsh | tcp::kUrg, 500).urgent, 500);  // Nagle does not hold it back
    send(1000);
    expect(tcp::kAck | tcp::kPsh, 1000);
    inject(tcp::kAck, kPeerStart + 1, own_ + 2500);
    pass(3 * kSecond);  // sent again behind it: without
    EXPECT_EQ(expect(tcp::kAck, 1000).urgent, 0);
}

TEST_F(Urgent, AClosedWindowLetsTheNewsThrough) {
    establish();
    inject(tcp::kAck, kPeerStart + 1, own_, {}, 0);
    send_urgent(100);
    pass(2 * kSecond);
    EXPECT_EQ(expect(tcp::kAck | tcp::kUrg).urgent, 101);  // a probe, one before the window
}

}  // namespace
}  // namespace astra::inet::test
