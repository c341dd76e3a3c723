// Simulations of TCP: thousands of transfers over simulated wires, each following from its seed. Every byte
// must arrive, in the end both sides must have forgotten everything, and the goodput of each class of wires
// must reach 70 % of what it could be: the bandwidth, or what loss leaves of it (Mathis et al., "The
// macroscopic behavior of the TCP congestion avoidance algorithm", 1997: MSS / RTT * 1.22 / sqrt(p)).
//
//   sim [RUNS [FIRST-SEED]]      runs of each class (default 200)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "tests/unit/net/wire.hpp"

namespace astra::inet::test {
namespace {

constexpr double kMss = 1448;

struct Class {
    const char* name;
    Conditions conditions;
    usize bytes;
    bool judged;  // goodput is held against the limit
};

const Class kClasses[] = {
    {"clean, 10 Mbit/s, 20 ms", {.delay_ns = 10'000'000, .bits_per_second = 10'000'000}, 4 << 20, true},
    {"clean, 100 Mbit/s, 10 ms", {.delay_ns = 5'000'000, .bits_per_second = 100'000'000}, 16 << 20, true},
    {"small queue, 10 Mbit/s, 40 ms",
     {.delay_ns = 20'000'000, .bits_per_second = 10'000'000, .queue_bytes = 32 << 10},
     8 << 20,
     true},
    {"0.1 % loss, 10 Mbit/s, 20 ms",
     {.loss = 0.001, .delay_ns = 10'000'000, .bits_per_second = 10'000'000},
     4 << 20,
     true},
    {"1 % loss, 10 Mbit/s, 20 ms",
     {.loss = 0.01, .delay_ns = 10'000'000, .bits_per_second = 10'000'000},
     4 << 20,
     true},
    {"3 % loss, 10 Mbit/s, 20 ms",
     {.loss = 0.03, .delay_ns = 10'000'000, .bits_per_second = 10'000'000},
     2 << 20,
     true},
    {"20 % loss", {.loss = 0.2, .delay_ns = 2'000'000}, 256 << 10, false},
    {"duplicates",
     {.duplication = 0.1, .delay_ns = 10'000'000, .bits_per_second = 10'000'000},
     2 << 20,
     true},
    {"reordering by up to 3 ms",
     {.reordering = 0.1, .delay_ns = 10'000'000, .jitter_ns = 3'000'000, .bits_per_second = 10'000'000},
     2 << 20,
     false},
    {"all of it",
     {.loss = 0.05, .duplication = 0.05, .reordering = 0.1, .delay_ns = 5'000'000, .jitter_ns = 20'000'000},
     512 << 10,
     false},
};

/// Bits per second that a class lets through at best.
double limit_of(const Conditions& c) {
    const double bandwidth = c.bits_per_second ? double(c.bits_per_second) * kMss / (kMss + 66) : 1e12;
    if (c.loss == 0) return bandwidth;
    const double rtt = 2 * double(c.delay_ns) / 1e9;
    return std::min(bandwidth, kMss * 8 / rtt * 1.22 / std::sqrt(c.loss));
}

struct Outcome {
    bool good = false;
    double seconds = 0;
};

Outcome run(const Class& kind, u64 seed) {
    Conditions conditions = kind.conditions;
    conditions.seed = seed;
    Wire wire(conditions);
    Outcome outcome;
    Pair pair(wire);
    if (!pair.connect()) {
        std::printf("FAILED %s, seed %lu: does not connect\n", kind.name, seed);
        return outcome;
    }
    const std::vector<u8> bytes = pattern(kind.bytes);
    std::vector<u8> arrived;
    arrived.reserve(bytes.size());
    usize sent = 0;
    const u64 start = wire.now;
    bool ended = false;
    // An hour of virtual time: who needs longer does not get on any more.
    wire.run(start + 3'600'000'000'000, [&] {
        wire.client().stack.enter(wire.now);
        wire.server().stack.enter(wire.now);
        sent += send_some(*pair.client, std::span(bytes).subspan(sent));
        if (sent == bytes.size() && !ended) pair.client->end_sending(), ended = true;
        receive_all(*pair.server, arrived);
        return pair.server->receive_ended();
    });
    receive_all(*pair.server, arrived);
    outcome.seconds = double(wire.now - start) / 1e9;
    if (arrived != bytes) {
        std::printf("FAILED %s, seed %lu: %zu of %zu bytes arrived as they were sent\n", kind.name, seed,
                    arrived.size(), bytes.size());
        return outcome;
    }
    wire.act([&] { pair.server->end_sending(); });
    wire.run_for(600'000'000'000);
    outcome.good = pair.client->state() == tcp::State::Closed && pair.server->state() == tcp::State::Closed;
    if (!outcome.good)
        std::printf("FAILED %s, seed %lu: states %d and %d after ten minutes\n", kind.name, seed,
                    int(pair.client->state()), int(pair.server->state()));
    return outcome;
}

int run_all(u64 runs, u64 first_seed) {
    u64 failures = 0;
    for (const Class& kind : kClasses) {
        double seconds = 0;
        u64 good = 0;
        for (u64 seed = first_seed; seed < first_seed + runs; seed++) {
            Outcome outcome = run(kind, seed);
            good += outcome.good;
            seconds += outcome.seconds;
        }
        const double goodput = double(kind.bytes) * 8 * double(runs) / seconds;
        const double limit = limit_of(kind.conditions);
        const bool slow = kind.judged && goodput < 0.7 * limit;
        std::printf("%s %-32s %lu of %lu, %8.2f Mbit/s, %3.0f %% of %.2f\n",
                    good < runs || slow ? "FAILED" : "passed", kind.name, good, runs, goodput / 1e6,
                    100 * goodput / limit, limit / 1e6);
        failures += runs - good + slow;
    }
    return failures ? 1 : 0;
}

}  // namespace
}  // namespace astra::inet::test

int main(int argc, char** argv) {
    const astra::u64 runs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200;
    const astra::u64 seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    return astra::inet::test::run_all(runs, seed);
}
