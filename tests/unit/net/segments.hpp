// For scripts of single segments: a stack with a listener, and a peer that is the test.
#pragma once
#include "tests/unit/net/wire.hpp"

namespace astra::inet::test {
using tcp::Header;
using tcp::State;
inline constexpr u64 kSecond = 1'000'000'000, kMillisecond = 1'000'000;
inline constexpr u32 kPeer = 0x0a000002, kOwn = 0x0a000001;
inline constexpr u16 kOwnPort = 80, kPeerPort = 4000;
inline constexpr u32 kPeerStart = 1000;

inline void predictable(std::span<u8> to) {
    for (u8& byte : to) byte = 0x5a;
}

/// A stack with a listener, and a peer that is this test.
class Segments : public testing::Test {
  protected:
    Segments() {
        stack_.enter(now_);
        EXPECT_TRUE(stack_.add_link(link_));
        EXPECT_TRUE(stack_.add_address(link_, IpAddress::v4(kOwn), 24));
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
        options.source = peer_port_;
        options.destination = own_port_;
        options.sequence = sequence;
        options.acknowledgement = ack;
        options.flags = flags;
        options.window = window;
        const usize length = tcp::length_of(options);
        std::vector<u8> segment(length + data.size());
        tcp::write(options, segment.data());
        std::copy(data.begin(), data.end(), segment.begin() + static_cast<long>(length));
        const u64 sum = Stack::pseudo_sum(IpAddress::v4(kPeer), IpAddress::v4(kOwn), kTcp, segment.size());
        store16(&segment[16], checksum(checksum_add(sum, segment)));
        inject_ip(kTcp, segment);
    }
    /// A router says that the segment that began with `sequence` is too long for it (RFC 1191).
    void inject_too_long(u16 mtu, u32 sequence) {
        std::vector<u8> message(8 + 20 + 8);
        message[0] = 3, message[1] = 4;
        store16(&message[6], mtu);
        write_ip(&message[8], kTcp, 20 + 8, kOwn, kPeer);
        store16(&message[28], own_port_), store16(&message[30], kPeerPort);
        store32(&message[32], sequence);
        store16(&message[2], checksum(checksum_add(0, message)));
        inject_ip(1, message);
    }
    void inject_ip(u8 protocol, std::span<const u8> payload) {
        Own<Packet> packet = *Packet::make(20 + payload.size());
        write_ip(packet->data(), protocol, packet->size(), kPeer, kOwn);
        std::copy(payload.begin(), payload.end(), packet->data() + 20);
        u8* ethernet = packet->prepend(14);
        std::fill_n(ethernet, 14, u8{0});
        store16(ethernet + 12, 0x0800);
        stack_.enter(now_);
        stack_.receive(link_, std::move(packet));
        stack_.settle();
    }
    static void write_ip(u8* at, u8 protocol, usize length, u32 from, u32 to) {
        std::fill_n(at, 20, u8{0});
        at[0] = 0x45;
        store16(at + 2, static_cast<u16>(length));
        at[8] = 64, at[9] = protocol;
        store32(at + 12, from);
        store32(at + 16, to);
        store16(at + 10, checksum(checksum_add(0, {at, 20})));
    }
    void pass(u64 ns) {
        const u64 end = now_ + ns;
        for (;;) {
            stack_.enter(now_);
            const u64 next = stack_.settle();
            if (std::exchange(link_.asked, false)) {
                introduce_peer();
                continue;
            }
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
    /// So many segments of `payload` bytes, and nothing else.
    void expect_data(int count, usize payload) {
        for (int i = 0; i < count; i++) {
            ASSERT_FALSE(link_.sent_segments.empty()) << i << " of " << count << " segments were sent";
            Header header;
            const usize length = tcp::parse(link_.sent_segments.front(), header);
            EXPECT_EQ(link_.sent_segments.front().size() - length, payload);
            link_.sent_segments.erase(link_.sent_segments.begin());
        }
        expect_nothing();
    }
    /// The stack connects to the peer, which has yet to answer; what its SYN says.
    Header connect(const tcp::Settings& settings = {}) {
        stack_.enter(now_);
        connection_ = *make_ref<tcp::Connection>(stack_, settings);
        EXPECT_TRUE(connection_->connect({IpAddress::v4(kPeer), kPeerPort}));
        stack_.settle();
        own_port_ = connection_->local.port;
        Header syn = expect(tcp::kSyn);
        own_ = syn.sequence + 1;
        return syn;
    }
    std::string received() {
        std::vector<u8> got;
        stack_.enter(now_);
        receive_all(*connection_, got);
        stack_.settle();
        return {got.begin(), got.end()};
    }
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
            if (load16(at + 12) == 0x0806 && load16(at + 20) == 1) asked = true;
            if (load16(at + 12) == 0x0800 && at[23] == kTcp)
                sent_segments.emplace_back(at + 34, at + frame->size());
        }
        std::vector<std::vector<u8>> sent_segments;
        bool asked = false;  // for the peer's Ethernet address
    } link_;
    u64 now_ = kSecond;
    Stack stack_{predictable};
    Ref<tcp::Listener> listener_;
    Ref<tcp::Connection> connection_;
    u32 own_ = 0;  // its first sequence number after the SYN
    u16 own_port_ = kOwnPort, peer_port_ = kPeerPort;
    void SetUp() override { introduce_peer(); }
    void introduce_peer() {
        Own<Packet> arp = *Packet::make(42);
        u8* at = arp->data();
        std::fill_n(at, 42, u8{0});
        store16(at + 12, 0x0806);
        store16(at + 14, 1), store16(at + 16, 0x0800), at[18] = 6, at[19] = 4, store16(at + 20, 1);
        at[22] = 2, at[27] = 2;
        store32(at + 28, kPeer);
        store32(at + 38, kOwn);
        stack_.receive(link_, std::move(arp));
    }
};

}  // namespace astra::inet::test
