// The simulated wire.
#include "tests/unit/net/wire.hpp"

namespace astra::inet::test {

namespace {

std::mt19937_64 kernel_random(7);
void fill_random(std::span<u8> to) {
    for (u8& byte : to) byte = static_cast<u8>(kernel_random());
}

}  // namespace

Host::Host(Wire& wire, u32 ip, u8 number)
    : stack(fill_random), link(wire, *this), address(IpAddress::v4(ip)) {
    link.mac = {{2, 0, 0, 0, 0, number}};
    link.mtu = wire.conditions.mtu;
    link.checksum_offload = wire.conditions.checksum_offload;
    EXPECT_TRUE(stack.add_link(link));
    EXPECT_TRUE(stack.add_address(link, address, 24));
}

void Host::End::transmit(Own<Packet> frame) {
    sent.packets++;
    sent.bytes += frame->size();
    wire_.transmit(host_, std::move(frame));
}

Wire::Wire(const Conditions& c) : conditions(c), random_(c.seed) {
    kernel_random.seed(c.seed);
    hosts_[0] = std::make_unique<Host>(*this, 0x0a000001, 1);
    hosts_[1] = std::make_unique<Host>(*this, 0x0a000002, 2);
}
Wire::~Wire() = default;

void Wire::enter() {
    for (auto& host : hosts_) host->stack.enter(now);
}

void Wire::launch(Host& to, std::vector<u8> bytes, bool trusted, u64 at) {
    flying_.emplace(at, Flying{&to, std::move(bytes), trusted});
}

void Wire::transmit(Host& from, Own<Packet> frame) {
    frames++;
    std::vector<u8> bytes(frame->data(), frame->data() + frame->size());
    if (keep_trace) trace.push_back(bytes);
    auto chance = [this](double probability) {
        return probability > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < probability;
    };
    const bool arp = bytes[12] == 8 && bytes[13] == 6;  // arrives: what it says when not has tests of its own
    if ((drop_if && drop_if(from, bytes)) || (!arp && chance(conditions.loss))) {
        lost++;
        return;
    }
    const bool second = &from == hosts_[1].get();
    u64 leaves = now;
    if (conditions.bits_per_second) {
        const u64 transmission = bytes.size() * 8 * 1'000'000'000 / conditions.bits_per_second;
        u64& busy = busy_until_[second];
        const u64 queued = busy > now ? (busy - now) * conditions.bits_per_second / 8 / 1'000'000'000 : 0;
        if (queued + bytes.size() > conditions.queue_bytes) {
            lost++;
            return;
        }
        busy = std::max(busy, now) + transmission;
        leaves = busy;
    }
    u64 arrives = leaves + conditions.delay_ns;
    if (chance(conditions.reordering)) {
        arrives += random_() % (conditions.jitter_ns + 1);
        late++;
    }
    Host& to = *hosts_[!second];
    if (chance(conditions.duplication)) {
        launch(to, bytes, frame->partial_checksum, arrives + random_() % 1'000'000);
        late++;
    }
    launch(to, std::move(bytes), frame->partial_checksum, arrives);
}

u64 Wire::settle() {
    for (;;) {
        enter();
        u64 next = std::min(hosts_[0]->stack.settle(), hosts_[1]->stack.settle());
        if (flying_.empty()) return next;
        auto first = flying_.begin();
        if (first->first > now) return std::min(next, first->first);
        Flying flying = std::move(first->second);
        flying_.erase(first);
        auto packet = Packet::make(flying.bytes.size());
        EXPECT_TRUE(packet);
        std::copy(flying.bytes.begin(), flying.bytes.end(), (*packet)->data());
        (*packet)->trusted = flying.trusted;
        flying.to->stack.receive(flying.to->link, std::move(*packet));
    }
}

Pair::Pair(Wire& w, const tcp::Settings& client_settings, const tcp::Settings& server_settings) : wire(w) {
    client = *make_ref<tcp::Connection>(wire.client().stack, client_settings);
    listener = *make_ref<tcp::Listener>(wire.server().stack, server_settings);
    listener->backlog = 8;
}

Pair::~Pair() {
    wire.act([this] {
        client->close();
        if (server) server->close();
        listener->close();
    });
}

bool Pair::connect(u16 port) {
    wire.act([&] {
        EXPECT_TRUE(wire.server().stack.ports.bind(*listener, {IpAddress::v4(0), port}, 0));
        EXPECT_TRUE(client->connect({wire.server().address, port}));
    });
    bool up = wire.run(wire.now + 600'000'000'000,
                       [&] { return listener->has_ready() && client->state() != tcp::State::SynSent; });
    if (!up) return false;
    server = listener->accept();
    return client->state() == tcp::State::Established;
}

usize send_some(tcp::Connection& connection, std::span<const u8> bytes, usize most) {
    usize done = 0;
    while (done < bytes.size() && done < most && connection.send_room() > 0) {
        const usize size = std::min({bytes.size() - done, most - done, connection.send_room(), usize{16384}});
        Own<Packet> part = *Packet::make(size, 0);
        std::copy_n(bytes.data() + done, size, part->data());
        connection.append(std::move(part), false);
        done += size;
    }
    return done;
}

void receive_all(tcp::Connection& connection, std::vector<u8>& to, usize most) {
    while (Packet* packet = most > 0 ? connection.received() : nullptr) {
        const usize size = std::min(packet->size(), most);
        most -= size;
        to.insert(to.end(), packet->data(), packet->data() + size);
        connection.consume(size);
    }
}

std::vector<u8> pattern(usize size) {
    std::vector<u8> bytes(size);
    for (usize i = 0; i < size; i++) bytes[i] = static_cast<u8>(i * 31 + (i >> 8) * 7 + (i >> 16));
    return bytes;
}

}  // namespace astra::inet::test
