// Simulations of TCP: thousands of transfers over simulated wires, each following from its seed. Every byte
// must arrive, in the end both sides must have forgotten everything, retransmissions must stay in proportion
// to what was lost, and the goodput of each class of wires must reach 70 % of what it could be: the
// bandwidth, or what loss leaves of it. That an engine which has but one segment under way at a time does not
// pass for good enough in any class is tried, too.
//
//   sim [--scenarios N] [--seed FIRST]      N transfers in all (default 10,000), with seeds from FIRST (1) on
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/unit/net/wire.hpp"

namespace astra::inet::test {
namespace {

constexpr double kMss = 1448;

struct Class {
    const char* name;
    Conditions conditions;
    usize bytes;
};

const Class kClasses[] = {
    {"clean, 10 Mbit/s, 20 ms", {.delay_ns = 10'000'000, .bits_per_second = 10'000'000}, 4 << 20},
    {"clean, 100 Mbit/s, 10 ms", {.delay_ns = 5'000'000, .bits_per_second = 100'000'000}, 16 << 20},
    {"small queue, 10 Mbit/s, 40 ms",
     {.delay_ns = 20'000'000, .bits_per_second = 10'000'000, .queue_bytes = 32 << 10},
     8 << 20},
    {"0.1 % loss, 10 Mbit/s, 20 ms",
     {.loss = 0.001, .delay_ns = 10'000'000, .bits_per_second = 10'000'000},
     4 << 20},
    {"0.01 % loss, 100 Mbit/s, 100 ms",
     {.loss = 0.0001, .delay_ns = 50'000'000, .bits_per_second = 100'000'000, .queue_bytes = 1 << 20},
     64 << 20},
    {"1 % loss, 10 Mbit/s, 20 ms",
     {.loss = 0.01, .delay_ns = 10'000'000, .bits_per_second = 10'000'000},
     4 << 20},
    {"3 % loss, 10 Mbit/s, 20 ms",
     {.loss = 0.03, .delay_ns = 10'000'000, .bits_per_second = 10'000'000},
     2 << 20},
    {"10 % loss", {.loss = 0.1, .delay_ns = 2'000'000}, 2 << 20},
    {"20 % loss", {.loss = 0.2, .delay_ns = 2'000'000}, 256 << 10},
    {"duplicates", {.duplication = 0.1, .delay_ns = 10'000'000, .bits_per_second = 10'000'000}, 2 << 20},
    {"reordering by up to 3 ms",
     {.reordering = 0.1, .delay_ns = 10'000'000, .jitter_ns = 3'000'000, .bits_per_second = 10'000'000},
     2 << 20},
    {"all of it",
     {.loss = 0.05, .duplication = 0.05, .reordering = 0.1, .delay_ns = 5'000'000, .jitter_ns = 20'000'000},
     2 << 20},
};

/// Wires of every kind, links of every kind, and ends that read slowly; no limit is known.
Conditions any_conditions(std::mt19937_64& random) {
    auto one_of = [&](auto... choices) {
        const std::common_type_t<decltype(choices)...> all[] = {choices...};
        return all[random() % sizeof...(choices)];
    };
    return {.loss = one_of(0.0, 0.002, 0.02, 0.1),
            .duplication = one_of(0.0, 0.0, 0.02, 0.2),
            .reordering = one_of(0.0, 0.0, 0.05, 0.3),
            .delay_ns = one_of(10'000ul, 500'000ul, 5'000'000ul, 100'000'000ul),
            .jitter_ns = one_of(100'000ul, 2'000'000ul, 50'000'000ul),
            .bits_per_second = one_of(0ul, 1'000'000ul, 20'000'000ul, 1'000'000'000ul),
            .queue_bytes = one_of(16ul << 10, 64ul << 10, 1ul << 20),
            .mtu = one_of(576u, 1400u, 1500u, 9000u),
            .checksum_offload = one_of(false, true)};
}

/// Bits per second that a class lets through at best: the bandwidth, or with loss what the window can be on
/// average. That is the larger of
///   1.22 / sqrt(p) segments: Mathis et al., "The macroscopic behavior of the TCP congestion avoidance
///     algorithm" (1997), equation 3, an acknowledgement for every segment; and
///   1.054 RTT^(3/4) / p^(3/4) segments: CUBIC's response function (RFC 9438, 5.1, equation 7).
/// Both leave timeouts out, which rule where more than a few percent are lost: from there on Padhye et al.,
/// "Modeling TCP throughput" (1998), equation 30, with b = 1. Its T0 is how long a sender waits that hears
/// nothing: two round trips, for tail loss probes (RFC 8985, 7.2), as long as these arrive more often than
/// not; else the retransmission timeout.
double limit_of(const Conditions& c) {
    const double bandwidth = c.bits_per_second ? double(c.bits_per_second) * kMss / (kMss + 66) : 1e12;
    if (c.loss == 0) return bandwidth;
    const double p = c.loss, rtt = (2 * double(c.delay_ns) + c.reordering * double(c.jitter_ns)) / 1e9;
    if (p <= 0.03) {
        const double reno = 1.22 / std::sqrt(p), cubic = 1.054 * std::pow(rtt / p, 0.75);
        return std::min(bandwidth, kMss * 8 / rtt * std::max(reno, cubic));
    }
    const double timeout = p <= 0.1 ? 2 * rtt : rtt + double(tcp::RoundTrip::kMinTimeout) / 1e9;
    return kMss * 8 /
           (rtt * std::sqrt(2 * p / 3) +
            timeout * std::min(1.0, 3 * std::sqrt(3 * p / 8)) * p * (1 + 32 * p * p));
}
constexpr double kGoodEnough = 0.7;

struct Outcome {
    bool good = false;
    double seconds = 0;
};

/// How many segments may be sent again when so many frames were lost: a lost acknowledgement may cost one,
/// and so may a frame that came late; a timeout that finds nothing lost a few.
u64 retransmissions_allowed(const Wire& wire) { return 2 * wire.lost + 2 * wire.late + 30; }

struct Scenario {
    const char* name;
    Conditions conditions;
    usize size;         // bytes; an eighth of them go the other way
    bool slow = false;  // the reader takes a little at a time
    // Nothing is lost before the connection is there: some would never come about.
    bool calm_handshake = true;
    // Bytes that wait for the reader. One segment makes the sender wait for every acknowledgement, which then
    // is not delayed.
    u32 window = tcp::Settings{}.receive_limit;
};

Outcome run(const Scenario& scenario) {
    const auto& [name, conditions, size, slow, calm, window] = scenario;
    Wire wire(conditions);
    if (calm) wire.conditions.loss = 0;
    Outcome outcome;
    Pair pair(wire, {}, {.quick_ack = window <= u32(kMss), .receive_limit = window});
    auto failed = [&](const char* what) {
        std::printf(
            "FAILED %s, seed %lu: %s (states %d and %d after %.1f s, %u + %u sent again, %lu lost, %lu "
            "late)\n",
            name, conditions.seed, what, int(pair.client->state()),
            pair.server ? int(pair.server->state()) : 0, double(wire.now) / 1e9, pair.client->retransmitted(),
            pair.server ? pair.server->retransmitted() : 0, wire.lost, wire.late);
        return outcome;
    };
    if (!pair.connect()) return failed("does not connect");
    wire.conditions.loss = conditions.loss;
    const std::vector<u8> bytes = pattern(size), back = pattern(size / 8);
    std::vector<u8> arrived, arrived_back;
    arrived.reserve(bytes.size());
    usize sent = 0, sent_back = 0;
    const u64 start = wire.now;
    bool ended = false;
    // An hour of virtual time: who needs longer does not get on any more.
    wire.run(start + 3'600'000'000'000, [&] {
        wire.client().stack.enter(wire.now);
        wire.server().stack.enter(wire.now);
        sent += send_some(*pair.client, std::span(bytes).subspan(sent));
        if (sent == bytes.size() && !ended) pair.client->end_sending(), ended = true;
        sent_back += send_some(*pair.server, std::span(back).subspan(sent_back), slow ? 512 : ~usize{0});
        receive_all(*pair.server, arrived, slow ? 3000 : ~usize{0});
        receive_all(*pair.client, arrived_back);
        return pair.server->receive_ended();
    });
    outcome.seconds = double(wire.now - start) / 1e9;
    receive_all(*pair.server, arrived);
    if (arrived != bytes) return failed("not all bytes arrived as they were sent");
    // The rest of the other direction.
    wire.run(wire.now + 3'600'000'000'000, [&] {
        wire.client().stack.enter(wire.now);
        wire.server().stack.enter(wire.now);
        sent_back += send_some(*pair.server, std::span(back).subspan(sent_back));
        receive_all(*pair.client, arrived_back);
        return arrived_back.size() == back.size();
    });
    if (arrived_back != back) return failed("not all bytes came back as they were sent");
    wire.act([&] { pair.server->end_sending(); });
    wire.run_for(600'000'000'000);
    if (pair.client->state() != tcp::State::Closed || pair.server->state() != tcp::State::Closed)
        return failed("not closed after ten minutes");
    if (pair.client->retransmitted() + pair.server->retransmitted() > retransmissions_allowed(wire))
        return failed("too much was sent again");
    outcome.good = true;
    return outcome;
}

struct Total {
    u64 good = 0;
    double goodput = 0;  // bits per second
};

/// The transfers of a class with seeds from `first_seed` on.
Total run_class(const Class& kind, u64 runs, u64 first_seed, u32 window = tcp::Settings{}.receive_limit) {
    Total total;
    double seconds = 0;
    for (u64 seed = first_seed; seed < first_seed + runs; seed++) {
        Conditions conditions = kind.conditions;
        conditions.seed = seed;
        const Outcome outcome =
            run({.name = kind.name, .conditions = conditions, .size = kind.bytes, .window = window});
        total.good += outcome.good;
        seconds += outcome.seconds;
    }
    total.goodput = double(kind.bytes) * 8 * double(runs) / seconds;
    return total;
}

/// Wires whose limit is known; answers how many transfers or checks failed.
u64 run_classes(u64 runs, u64 first_seed) {
    u64 failures = 0;
    for (const Class& kind : kClasses) {
        const double limit = limit_of(kind.conditions);
        const Total total = run_class(kind, runs, first_seed);
        const bool too_slow = total.goodput < kGoodEnough * limit;
        std::printf("%s %-32s %lu of %lu, %8.2f Mbit/s, %3.0f %% of %.2f\n",
                    total.good < runs || too_slow ? "FAILED" : "passed", kind.name, total.good, runs,
                    total.goodput / 1e6, 100 * total.goodput / limit, limit / 1e6);
        failures += runs - total.good + too_slow;
    }
    return failures;
}

/// The check itself: one segment at a time must be too slow for every class.
u64 run_stop_and_wait(u64 first_seed) {
    u64 failures = 0;
    for (Class kind : kClasses) {
        kind.bytes = 128 << 10;
        const double limit = limit_of(kind.conditions);
        const Total total = run_class(kind, 2, first_seed, u32(kMss));
        const bool passes = total.goodput >= kGoodEnough * limit;
        std::printf("%s stop and wait: %-32s %8.2f Mbit/s, %3.0f %% of %.2f\n",
                    passes || total.good < 2 ? "FAILED" : "passed", kind.name, total.goodput / 1e6,
                    100 * total.goodput / limit, limit / 1e6);
        failures += passes + 2 - total.good;
    }
    return failures;
}

u64 run_any(u64 runs, u64 first_seed) {
    u64 good = 0;
    for (u64 seed = first_seed; seed < first_seed + runs; seed++) {
        std::mt19937_64 random(seed);
        Conditions conditions = any_conditions(random);
        conditions.seed = seed;
        good += run({"any wire", conditions, usize{1} << (10 + random() % 8), random() % 2 == 0, false}).good;
    }
    std::printf("%s %-32s %lu of %lu\n", good < runs ? "FAILED" : "passed", "any wire", good, runs);
    return runs - good;
}

}  // namespace
}  // namespace astra::inet::test

int main(int argc, char** argv) {
    using namespace astra::inet::test;
    astra::u64 scenarios = 10'000, seed = 1;
    for (int i = 1; i < argc; i += 2) {
        const std::string_view option = argv[i];
        astra::u64* value = option == "--scenarios" ? &scenarios : option == "--seed" ? &seed : nullptr;
        char* end = nullptr;
        if (value && i + 1 < argc) *value = std::strtoull(argv[i + 1], &end, 10);
        if (!end || end == argv[i + 1] || *end) {
            std::fprintf(stderr, "sim [--scenarios N] [--seed FIRST]\n");
            return 2;
        }
    }
    // Transfers long enough to have a goodput take most of the time: one in a thousand of each class.
    const astra::u64 each = std::max<astra::u64>(scenarios / 1000, 1), classes = std::size(kClasses);
    const astra::u64 rest = scenarios > each * classes ? scenarios - each * classes : 1;
    return run_classes(each, seed) + run_stop_and_wait(seed) + run_any(rest, seed) ? 1 : 0;
}
