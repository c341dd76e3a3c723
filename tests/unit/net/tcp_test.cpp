// TCP between two stacks: connections come, carry bytes and go; and what they do when the wire is bad.
#include "tests/unit/net/wire.hpp"

namespace astra::inet::test {
namespace {

using tcp::State;
constexpr u64 kSecond = 1'000'000'000;

/// Moves `bytes` from one end to the other and ends that direction; answers what arrived.
std::vector<u8> transfer(Pair& pair, std::span<const u8> bytes, u64 limit = 3600 * kSecond) {
    std::vector<u8> arrived;
    usize sent = 0;
    bool ended = false;
    pair.wire.run(pair.wire.now + limit, [&] {
        for (auto* host : {&pair.wire.client(), &pair.wire.server()}) host->stack.enter(pair.wire.now);
        sent += send_some(*pair.client, bytes.subspan(sent));
        if (sent == bytes.size() && !ended) {
            pair.client->end_sending();
            ended = true;
        }
        receive_all(*pair.server, arrived);
        return pair.server->receive_ended();
    });
    receive_all(*pair.server, arrived);
    return arrived;
}

TEST(Tcp, ConnectsSendsAndEnds) {
    Wire wire;
    Pair pair(wire);
    ASSERT_TRUE(pair.connect());
    EXPECT_TRUE(pair.client->uses_sack());
    EXPECT_TRUE(pair.client->uses_timestamps());
    EXPECT_TRUE(pair.client->uses_shift());
    auto bytes = pattern(100000);
    EXPECT_EQ(transfer(pair, bytes), bytes);
    wire.run_for(kSecond);
    EXPECT_EQ(pair.server->state(), State::CloseWait);
    EXPECT_EQ(pair.client->state(), State::FinWait2);
    wire.act([&] { pair.server->end_sending(); });
    wire.run_for(kSecond);
    EXPECT_EQ(pair.server->state(), State::Closed);
    EXPECT_EQ(pair.client->state(), State::TimeWait);
    wire.run_for(61 * kSecond);
    EXPECT_EQ(pair.client->state(), State::Closed);
    EXPECT_EQ(pair.client->retransmitted(), 0u);
    EXPECT_EQ(pair.client->error(), 0);
}

TEST(Tcp, RefusedWhereNobodyListens) {
    Wire wire;
    auto client = *make_ref<tcp::Connection>(wire.client().stack, tcp::Settings{});
    wire.act([&] { ASSERT_TRUE(client->connect({wire.server().address, 81})); });
    wire.run_for(kSecond);
    EXPECT_EQ(client->state(), State::Closed);
    EXPECT_EQ(client->error(), static_cast<int>(Errno::kECONNREFUSED));
}

TEST(Tcp, UnreachableWhenNobodyAnswersArp) {
    Wire wire;
    auto client = *make_ref<tcp::Connection>(wire.client().stack, tcp::Settings{});
    wire.act([&] { ASSERT_TRUE(client->connect({IpAddress::v4(0x0a000063), 80})); });
    wire.run_for(10 * kSecond);
    EXPECT_EQ(client->error(), static_cast<int>(Errno::kEHOSTUNREACH));
    auto other = make_ref<tcp::Connection>(wire.client().stack, tcp::Settings{});
    wire.act([&] {
        EXPECT_EQ((*other)->connect({IpAddress::v4(0x0b000063), 80}).error(), Errno::kENETUNREACH);
    });
}

TEST(Tcp, GivesUpWhenNobodyAnswers) {
    Wire wire;
    wire.drop_if = [](const Host&, std::span<const u8> frame) { return frame[12] == 8 && frame[13] == 0; };
    auto client = *make_ref<tcp::Connection>(wire.client().stack, tcp::Settings{});
    wire.act([&] { ASSERT_TRUE(client->connect({wire.server().address, 80})); });
    wire.run_for(200 * kSecond);
    EXPECT_EQ(client->error(), static_cast<int>(Errno::kETIMEDOUT));
    EXPECT_EQ(wire.lost, 7u);  // a SYN and six more
}

TEST(Tcp, ClosedWindowIsProbedUntilItOpens) {
    Wire wire;
    Pair pair(wire, {}, {.receive_limit = 8192});
    ASSERT_TRUE(pair.connect());
    auto bytes = pattern(100000);
    usize sent = 0;
    wire.act([&] { sent = send_some(*pair.client, bytes); });
    wire.run_for(30 * kSecond);
    ASSERT_EQ(sent, bytes.size());
    EXPECT_GT(pair.server->received_bytes(), 8192u - 128u);  // the window is told in units of 128
    std::vector<u8> arrived;
    EXPECT_TRUE(wire.run(wire.now + 600 * kSecond, [&] {
        wire.server().stack.enter(wire.now);
        receive_all(*pair.server, arrived);
        return arrived.size() == bytes.size();
    }));
    EXPECT_EQ(arrived, bytes);
}

TEST(Tcp, ResetWhenReceivedBytesAreThrownAway) {
    Wire wire;
    Pair pair(wire);
    ASSERT_TRUE(pair.connect());
    auto bytes = pattern(10);
    wire.act([&] { send_some(*pair.client, bytes); });
    wire.run_for(kSecond);
    wire.act([&] { pair.server->close(); });
    wire.run_for(kSecond);
    EXPECT_EQ(pair.client->error(), static_cast<int>(Errno::kECONNRESET));
    EXPECT_EQ(pair.client->state(), State::Closed);
}

TEST(Tcp, KeepAliveNoticesADeadPeer) {
    Wire wire;
    Pair pair(wire, {.keep_alive = true, .keep_idle_s = 10, .keep_interval_s = 2, .keep_probes = 3});
    ASSERT_TRUE(pair.connect());
    wire.run_for(25 * kSecond);
    EXPECT_EQ(pair.client->state(), State::Established);
    wire.drop_if = [](const Host&, std::span<const u8>) { return true; };
    wire.run_for(30 * kSecond);
    EXPECT_EQ(pair.client->error(), static_cast<int>(Errno::kETIMEDOUT));
}

TEST(Tcp, NagleHoldsSmallSegmentsBackAndNoDelayDoesNot) {
    for (bool no_delay : {false, true}) {
        Wire wire;
        Pair pair(wire, {.no_delay = no_delay});
        ASSERT_TRUE(pair.connect());
        const u64 before = wire.client().link.sent.packets;
        wire.act([&] {
            for (int i = 0; i < 10; i++) send_some(*pair.client, pattern(10));
        });
        EXPECT_EQ(wire.client().link.sent.packets - before, no_delay ? 10u : 1u);
        std::vector<u8> arrived;
        wire.run_for(kSecond);
        receive_all(*pair.server, arrived);
        EXPECT_EQ(arrived.size(), 100u);
    }
}

TEST(Tcp, SelectiveAcknowledgementsRepairOneLossWithoutATimeout) {
    Wire wire;
    Pair pair(wire);
    ASSERT_TRUE(pair.connect());
    int data_frames = 0;
    wire.drop_if = [&](const Host& from, std::span<const u8> frame) {
        return &from == &wire.client() && frame.size() > 1000 && ++data_frames == 5;
    };
    auto bytes = pattern(200000);
    const u64 start = wire.now;
    EXPECT_EQ(transfer(pair, bytes), bytes);
    EXPECT_EQ(pair.client->retransmitted(), 1u);
    EXPECT_LT(wire.now - start, 150'000'000u);
}

class TcpOnBadWires : public testing::TestWithParam<Conditions> {};

TEST_P(TcpOnBadWires, EveryByteArrives) {
    Wire wire(GetParam());
    Pair pair(wire);
    ASSERT_TRUE(pair.connect());
    auto bytes = pattern(500000);
    auto arrived = transfer(pair, bytes);
    EXPECT_EQ(arrived.size(), bytes.size())
        << "states " << int(pair.client->state()) << " " << int(pair.server->state()) << ", error "
        << pair.client->error() << ", at " << wire.now / kSecond << " s";
    EXPECT_TRUE(arrived == bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Wires, TcpOnBadWires,
    testing::Values(Conditions{.loss = 0.01}, Conditions{.loss = 0.1, .seed = 3},
                    Conditions{.loss = 0.2, .seed = 5}, Conditions{.duplication = 0.2},
                    Conditions{.reordering = 0.3, .jitter_ns = 5'000'000},
                    Conditions{.loss = 0.05, .duplication = 0.05, .reordering = 0.2, .jitter_ns = 3'000'000},
                    Conditions{
                        .delay_ns = 50'000'000, .bits_per_second = 10'000'000, .queue_bytes = 64 << 10},
                    Conditions{.mtu = 9000, .checksum_offload = true}));

}  // namespace
}  // namespace astra::inet::test
