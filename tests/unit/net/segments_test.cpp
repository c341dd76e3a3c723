// Scripts of single segments: what a connection answers to each, as RFC 9293 and its kin have it.
#include "tests/unit/net/wire.hpp"

namespace astra::inet::test {
namespace {

using tcp::Header;
using tcp::State;
constexpr u64 kSecond = 1'000'000'000;
constexpr u32 kPeer = 0x0a000002;
constexpr u16 kOwnPort = 80, kPeerPort = 4000;
constexpr u32 kPeerStart = 1000;

void predictable(std::span<u8> to) {
    for (u8& byte : to) byte = 0x5a;
}

/// A stack with a listener, and a peer that is this test.
class Segments : public testing::Test {
  protected:
    Segments() {
        stack_.enter(now_);
        EXPECT_TRUE(stack_.add_link(link_));
        EXPECT_TRUE(stack_.add_address(link_, IpAddress::v4(0x0a000001), 24));
        listener_ = *make_ref<tcp::Listener>(stack_, tcp::Settings{});
        listener_->backlog = 4;
        EXPECT_TRUE(stack_.ports.bind(*listener_, {IpAddress::v4(0), kOwnPort}, 0));
    }
    ~Segments() override {
        if (connection_) connection_->close();
        listener_->close();
    }

    /// Sends a segment and lets the stack answer.
    void inject(u8 flags, u32 sequence, u32 ack, std::string_view data = {}, u16 window = 65535,
                Header options = {}) {
        options.source = kPeerPort;
        options.destination = kOwnPort;
        options.sequence = sequence;
        options.acknowledgement = ack;
        options.flags = flags;
        options.window = window;
        const usize length = tcp::length_of(options);
        Own<Packet> packet = *Packet::make(20 + length + data.size());
        u8* at = packet->data();
        std::fill_n(at, 20, u8{0});
        at[0] = 0x45;
        store16(at + 2, static_cast<u16>(packet->size()));
        at[8] = 64, at[9] = kTcp;
        store32(at + 12, kPeer);
        store32(at + 16, 0x0a000001);
        store16(at + 10, checksum(checksum_add(0, {at, 20})));
        tcp::write(options, at + 20);
        std::copy(data.begin(), data.end(), at + 20 + length);
        std::span<const u8> segment(at + 20, length + data.size());
        const u64 sum =
            Stack::pseudo_sum(IpAddress::v4(kPeer), IpAddress::v4(0x0a000001), kTcp, segment.size());
        store16(at + 36, checksum(checksum_add(sum, segment)));
        u8* ethernet = packet->prepend(14);
        std::fill_n(ethernet, 14, u8{0});
        store16(ethernet + 12, 0x0800);
        stack_.enter(now_);
        stack_.receive(link_, std::move(packet));
        stack_.settle();
    }
    void pass(u64 ns) {
        const u64 end = now_ + ns;
        for (;;) {
            stack_.enter(now_);
            const u64 next = stack_.settle();
            if (next > end) break;
            now_ = next;
        }
        now_ = end;
        stack_.enter(now_);
    }
    /// The next segment the stack sent; fails the test when there is none.
    Header expect(u8 flags, usize payload = 0) {
        Header header;
        EXPECT_FALSE(link_.sent_segments.empty()) << "nothing was sent";
        if (link_.sent_segments.empty()) return header;
        std::vector<u8> segment = link_.sent_segments.front();
        link_.sent_segments.erase(link_.sent_segments.begin());
        const usize length = tcp::parse(segment, header);
        EXPECT_GT(length, 0u);
        EXPECT_EQ(int(header.flags), int(flags));
        EXPECT_EQ(segment.size() - length, payload);
        return header;
    }
    void expect_nothing() { EXPECT_TRUE(link_.sent_segments.empty()); }
    /// Connects; the peer's next sequence number is kPeerStart + 1.
    void establish(Header options = {.mss = 1000}) {
        inject(tcp::kSyn, kPeerStart, 0, {}, 65535, options);
        Header answer = expect(tcp::kSyn | tcp::kAck);
        EXPECT_EQ(answer.acknowledgement, kPeerStart + 1);
        own_ = answer.sequence + 1;
        inject(tcp::kAck, kPeerStart + 1, own_);
        connection_ = listener_->accept();
        ASSERT_TRUE(connection_);
        EXPECT_EQ(connection_->state(), State::Established);
    }
    void send(usize bytes) {
        stack_.enter(now_);
        send_some(*connection_, pattern(bytes));
        stack_.settle();
    }

    class Tap final : public Link {
      public:
        Tap() {
            mac = {{2, 0, 0, 0, 0, 1}};
            checksum_offload = true;
        }
        void transmit(Own<Packet> frame) override {
            const u8* at = frame->data();
            if (load16(at + 12) == 0x0806 && frame->size() >= 42) answer_arp = true;
            if (load16(at + 12) == 0x0800 && at[23] == kTcp)
                sent_segments.emplace_back(at + 34, at + frame->size());
        }
        std::vector<std::vector<u8>> sent_segments;
        bool answer_arp = false;
    } link_;
    u64 now_ = kSecond;
    Stack stack_{predictable};
    Ref<tcp::Listener> listener_;
    Ref<tcp::Connection> connection_;
    u32 own_ = 0;
    void SetUp() override {
        // The peer's address is known from the start.
        Own<Packet> arp = *Packet::make(42);
        u8* at = arp->data();
        std::fill_n(at, 42, u8{0});
        store16(at + 12, 0x0806);
        store16(at + 14, 1), store16(at + 16, 0x0800), at[18] = 6, at[19] = 4, store16(at + 20, 1);
        at[22] = 2, at[27] = 2;
        store32(at + 28, kPeer);
        store32(at + 38, 0x0a000001);
        stack_.receive(link_, std::move(arp));
    }
};

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
