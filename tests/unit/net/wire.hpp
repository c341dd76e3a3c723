// Two machines with a TCP/IP stack each and a wire between them, in virtual time: what it loses, doubles,
// delays and reorders follows from a seed.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "guest_kernel/net/tcp/connection.hpp"

namespace astra::inet::test {

struct Conditions {
    double loss = 0, duplication = 0, reordering = 0;
    u64 delay_ns = 1'000'000;     // one way
    u64 jitter_ns = 0;            // of reordered frames: delayed by up to this much more
    u64 bits_per_second = 0;      // 0: no limit
    u64 queue_bytes = 256 << 10;  // in front of a limited wire; what does not fit is lost
    u32 mtu = 1500;
    bool checksum_offload = false;
    u64 seed = 1;
};

class Wire;

/// A machine: a stack with one Ethernet link.
class Host {
  public:
    Host(Wire& wire, u32 address, u8 number);
    Stack stack;
    class End final : public Link {
      public:
        End(Wire& wire, Host& host) : wire_(wire), host_(host) {}
        void transmit(Own<Packet> frame) override;

      private:
        Wire& wire_;
        Host& host_;
    } link;
    const IpAddress address;
};

class Wire {
  public:
    explicit Wire(const Conditions& conditions = {});
    ~Wire();
    Host& client() { return *hosts_[0]; }
    Host& server() { return *hosts_[1]; }
    u64 now = 1'000'000'000;
    Conditions conditions;
    /// Runs until nothing is under way, or `deadline` has come, or `done` says so.
    template <class Done>
    bool run(u64 deadline, Done&& done) {
        while (!done()) {
            u64 next = settle();
            if (done()) return true;
            if (next == Stack::kNever || next > deadline) return false;
            now = std::max(now, next);
        }
        return true;
    }
    void run_for(u64 ns) {
        const u64 end = now + ns;
        run(end, [] { return false; });
        now = end;
        settle();
    }
    /// Lets what is due happen; answers when something is due next.
    u64 settle();
    /// Does `body` with both clocks right, then settles.
    template <class Body>
    void act(Body&& body) {
        enter();
        body();
        settle();
    }
    u64 frames = 0, lost = 0;
    u64 late = 0;  // delayed or doubled
    /// Frames that were sent, for tests that look at segments; empty: not kept.
    std::vector<std::vector<u8>> trace;
    bool keep_trace = false;
    /// Decides the fate of single frames in scripts: true drops it.
    std::function<bool(const Host& from, std::span<const u8> frame)> drop_if;

  private:
    friend class Host::End;
    void enter();
    void transmit(Host& from, Own<Packet> frame);
    void launch(Host& to, std::vector<u8> bytes, bool trusted, u64 at);
    struct Flying {
        Host* to;
        std::vector<u8> bytes;
        bool trusted;
    };
    std::multimap<u64, Flying> flying_;
    std::mt19937_64 random_;
    u64 busy_until_[2] = {};
    std::unique_ptr<Host> hosts_[2];
};

/// A TCP connection over a wire, its two ends as programs would use them.
class Pair {
  public:
    explicit Pair(Wire& wire, const tcp::Settings& client = {}, const tcp::Settings& server = {});
    ~Pair();
    /// Connects; false when it did not come about within ten (virtual) minutes.
    bool connect(u16 port = 80);
    Wire& wire;
    Ref<tcp::Connection> client, server;
    Ref<tcp::Listener> listener;
};

/// Sends as much of `bytes` from `offset` on as there is room for; answers how much.
usize send_some(tcp::Connection& connection, std::span<const u8> bytes, usize most = ~usize{0});
/// Takes what was received, `most` bytes of it.
void receive_all(tcp::Connection& connection, std::vector<u8>& to, usize most = ~usize{0});
/// Bytes that tell positions apart.
std::vector<u8> pattern(usize size);

}  // namespace astra::inet::test
